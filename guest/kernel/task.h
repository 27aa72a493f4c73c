// A thread: of a process, or of the kernel itself (then it has no process).
//
// Who may touch what: `state`, `running`, `next` and `wake_event` belong to the scheduler (its
// lock), `next_in_process` and `waits_for_child` to the process table (its lock). `killed` is set
// by anybody and acted on by the thread itself on its way to user mode. The rest is the thread's
// own.
#pragma once

#include <stdint.h>

#include "guest_abi/accounting.h"
#include "mm/pv/lazy_mode.h"

namespace kernel {

struct Process;
struct TrapFrame;

enum class TaskState : uint8_t {
  kUnused,
  kRunnable,  // running, or in the run queue
  kBlocked,   // until wake()
  kSleeping,  // until wake_event, or wake()
  kEnded,
};

struct Task {
  uint32_t id = 0;
  TaskState state = TaskState::kUnused;
  bool running = false;  // on some processor
  bool killed = false;   // atomic
  Process* process = nullptr;
  Task* next = nullptr;  // run queue, sleepers, or unused tasks
  Task* next_in_process = nullptr;
  bool waits_for_child = false;
  uint64_t wake_event = 0;  // kSleeping: number of the scheduling event

  uint64_t stack_top = 0;
  uint64_t saved_stack = 0;  // the arch's, while the thread does not run
  // What the accounting pages say when it first runs.
  guest_abi::Operation first_operation = guest_abi::Operation::kNone;
  // A kernel thread's body.
  void (*body)(void*) = nullptr;
  void* argument = nullptr;

  uint64_t device_result = 0;   // of the last command that the thread waited for
  uint64_t fault_handler = 0;   // of the process's program; 0: none
  uint64_t spurious_state = 0;  // of the registers at the last fault without a cause
  unsigned spurious_in_a_row = 0;

  LazyThread lazy;
};

// The lowest is a guard: tasks_guard_stacks() unmaps it, so that a stack that overflows faults. The
// first processor idles on the stack that the domain builder made, which has none.
inline constexpr uint64_t kStackPages = 4;
inline constexpr unsigned kMaxTasks = 256;

// The stacks of `count` tasks, kStackPages each from `stacks` on. Once, at boot.
void tasks_start(void* stacks, unsigned count);
// Once, at boot, when the mm works.
void tasks_guard_stacks();
// nullptr: all are in use.
Task* task_alloc();
void task_free(Task& task);
unsigned tasks_in_use();

}  // namespace kernel
