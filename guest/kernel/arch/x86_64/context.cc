#include "arch/context.h"

#include "arch/x86_64/symbols.h"

namespace kernel {
namespace {

// What context_switch_stacks pops: six registers, then where to go.
struct SwitchFrame {
  uint64_t r15, r14, r13, r12, rbx, rbp;
  uint64_t rip;
};

}  // namespace

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

}  // namespace kernel
