#include "arch/context.h"

#include "abi/xen.h"
#include "arch/hypercall.h"
#include "arch/x86_64/symbols.h"
#include "panic.h"
#include "percpu.h"

namespace kernel {
namespace {

constexpr uint64_t kFlagInterrupt = 1u << 9;
constexpr uint64_t kFlagReserved = 1u << 1;

// What context_switch_stacks pops: six registers, then where to go.
struct SwitchFrame {
  uint64_t r15, r14, r13, r12, rbx, rbp;
  uint64_t rip;
};

}  // namespace

TrapFrame user_start_frame(uint64_t entry, uint64_t stack_top, const uint64_t (&arguments)[3]) {
  TrapFrame frame{};
  frame.rdi = arguments[0];
  frame.rsi = arguments[1];
  frame.rdx = arguments[2];
  frame.rip = entry;
  frame.cs = FLAT_USER_CS64;
  frame.rflags = kFlagInterrupt | kFlagReserved;
  frame.rsp = stack_top;
  frame.ss = FLAT_USER_SS64;
  return frame;
}

void context_prepare(Task& task, const TrapFrame* user_frame) {
  // The frame of a trap from user mode ends at the top of the stack.
  uint64_t stack = task.stack_top - sizeof(TrapFrame);
  if (user_frame != nullptr) {
    *reinterpret_cast<TrapFrame*>(stack) = *user_frame;
  }
  stack -= sizeof(SwitchFrame);
  *reinterpret_cast<SwitchFrame*>(stack) =
      SwitchFrame{0, 0, 0, 0, 0, 0, address_of_code(thread_entry)};
  task.saved_stack = stack;
}

void context_switch(Task& from, Task& to) {
  context_switch_stacks(&from.saved_stack, to.saved_stack);
}

void context_use_kernel_stack(uint64_t stack_top) {
  Cpu& cpu = this_cpu();
  if (cpu.kernel_stack == stack_top) {
    return;
  }
  cpu.kernel_stack = stack_top;
  kernel_assert(hypercall_stack_switch(FLAT_KERNEL_SS64, stack_top) == 0, "stack_switch");
}

}  // namespace kernel
