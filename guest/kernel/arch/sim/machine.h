// The machine below the simulated kernel: between the kernel's sources, compiled into a host
// process, and the simulator that stands in for the processor.
//
// A kernel thread is a host stack of its own. It runs natively; only what a processor would trap
// on goes through here: the kernel leaves with its registers set, as the instruction would leave
// them, and when leave() returns the hypervisor has said by the registers where to go on (entry.h).
// Linear addresses are those of the real kernel's image and direct map. The kernel's own data and
// stacks, which lie in memory of the host, appear in windows.
//
// One machine in a process, and one host thread: vCPUs take turns.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/frame.h"
#include "yield_point.h"

namespace kernel::sim {

// As the hypervisor sees a context: all that it may read or replace.
struct Registers {
  uint64_t rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp;
  uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
  uint64_t rip;
  uint64_t rflags;
  uint16_t cs, ss;
};

// Memory of the host process that the guest's page tables map too, page by page.
struct Window {
  unsigned char* host = nullptr;
  uint64_t linear = 0;
  uint64_t byte_count = 0;
  pvmmu::Mfn first;  // the frames are consecutive
};

struct Layout {
  unsigned char* frames = nullptr;  // all frames of the domain, in the order of their pfns
  uint64_t frame_count = 0;
  // The image, in linear addresses; its parts follow each other.
  uint64_t image_start = 0, constants_start = 0, data_start = 0, image_end = 0;
  uint64_t entry = 0;  // the boot processor's first instruction
  uint64_t hypercall_page = 0;
  unsigned char* shared_info = nullptr;
  const uint64_t* m2p = nullptr;
  Window data;    // of the kernel and everything else in this process
  Window stacks;  // of kernel threads
};

enum class Cause : uint8_t {
  kSyscall,    // the `syscall` instruction; rip is behind it
  kPageFault,  // with address and error code; rip is at the instruction
  kPause,      // no trap: the processor is given to others, or has to look around
};

class Machine {
 public:
  // Leaves for the hypervisor, and returns when a vCPU goes on with this thread's context.
  virtual void leave(Cause cause, uint64_t address, uint32_t error_code) = 0;
  // One access of the processor to an aligned word: walks, or finds a translation. The word's place
  // in the host, or nullptr and the error code of a page fault.
  virtual uint64_t* access(uint64_t linear, bool write, uint32_t& error_code) = 0;

  // Only if Running::explored: others may go on first, and this thread then, on the same vCPU.
  // `callers` are return addresses, innermost first, 0 where they end.
  virtual void yield_point(YieldPoint point, const void* what, const uint64_t (&callers)[8]) = 0;

  // --- Threads, by the top of their stack in guest memory (0: the boot processor's first) ---
  // The thread begins in entry(), on an empty stack, when it is first switched to.
  virtual void prepare_thread(uint64_t stack_top, void (*entry)()) = 0;
  // From the one that runs.
  virtual void switch_to_thread(uint64_t stack_top) = 0;

  // Runs the program of the process at the registers' rip.
  [[noreturn]] virtual void run_user() = 0;
  virtual uint64_t read_tsc() = 0;
  // The simulator itself is wrong, or the host gives it nothing: the machine stops with this
  // message.
  [[noreturn]] virtual void fail(const char* what) = 0;

 protected:
  ~Machine() = default;
};

// What the simulator sets: the machine and its layout, once; number and registers of the vCPU
// whenever one goes on.
struct Running {
  Machine* machine = nullptr;
  const Layout* layout = nullptr;
  unsigned vcpu = 0;
  Registers* registers = nullptr;
  bool explored = false;  // somebody searches interleavings
};
extern Running running;

inline Machine& machine() {
  return *running.machine;
}
inline const Layout& layout() {
  return *running.layout;
}
[[noreturn]] inline void fail(const char* what) {
  running.machine->fail(what);
  __builtin_unreachable();  // the compiler does not know it of a virtual function
}
// Of the vCPU that runs now: to be asked again after everything that may leave.
inline Registers& registers() {
  return *running.registers;
}

}  // namespace kernel::sim
