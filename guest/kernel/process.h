// A process: an address space, its threads, and its place in the family.
//
// The tree, thread lists and exit state are guarded by the process table's lock. Each thread holds
// a reference of `mm`.
#pragma once

#include <stdint.h>

namespace kernel {

struct Mm;
struct Task;
struct TrapFrame;

struct Process {
  uint32_t pid = 0;  // 0: unused
  bool zombie = false;
  bool exit_code_final = false;  // killed: later exits of threads do not change the code
  uint32_t exit_code = 0;
  unsigned thread_count = 0;
  Mm* mm = nullptr;  // never null; changes only while the process has one thread, and by it
  Task* threads = nullptr;
  Task* leader = nullptr;  // the thread whose code is the process's: the first, or who called exec
  Process* parent = nullptr;
  Process* children = nullptr;  // those that run, newest first
  Process* zombies = nullptr;   // in the order in which they ended
  Process* next = nullptr;      // among its parent's children or zombies
};

inline constexpr uint32_t kInitPid = 1;
// Exit codes of processes that did not end by themselves, as a shell shows them.
inline constexpr uint32_t kKilledByFault = 128 + 11;
inline constexpr uint32_t kKilledByMemory = 128 + 9;
inline constexpr uint32_t kKilledByShutdown = 128 + 15;

// Makes pid 1, which takes over the reference of `mm`, with one thread that starts with these
// registers, and lets it run. False: memory is out, and the reference stays the caller's.
bool process_start_first(Mm& mm, const TrapFrame& frame);
// Blocks until the last process is gone; returns the exit code of pid 1. For one kernel thread.
uint32_t process_wait_for_all();

// --- for the thread that runs; results are values or negative errno ---

int64_t process_fork(const TrapFrame& frame);
// Ends the other threads, puts a fresh address space with the program in place of the process's,
// and makes `frame` the start of that. -EINTR if the process is being killed.
int64_t process_exec(TrapFrame& frame);
int64_t process_create_thread(uint64_t entry, uint64_t stack_top, uint64_t argument);
// Blocks until a child has ended.
int64_t process_wait(uint64_t status_address);
[[noreturn]] void process_exit_thread(uint32_t code);
// Ends all threads of the caller's process, the caller included, when they next leave the kernel.
void process_kill_current(uint32_t code);
// Ends every process; the first one's code is `code`. -EPERM for 0 unless the caller is pid 1: any
// process may say that the run has failed, but only the first that it was good.
int64_t process_shutdown(uint32_t code);
uint32_t process_current_pid();
// On the way to user mode: ends the thread if it was killed, lets others run if they shall.
void process_before_user_mode();
// The address space of the process that runs; the caller is one of its threads.
Mm& current_mm();

}  // namespace kernel
