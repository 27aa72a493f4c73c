// Contexts in the words of the hypervisor's interface.
#include "arch/context.h"

#include "abi/xen.h"
#include "arch/hypercall.h"
#include "panic.h"
#include "percpu.h"

namespace kernel {
namespace {

constexpr uint64_t kFlagInterrupt = 1u << 9;
constexpr uint64_t kFlagReserved = 1u << 1;

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

void context_use_kernel_stack(uint64_t stack_top) {
  Cpu& cpu = this_cpu();
  if (cpu.kernel_stack == stack_top) {
    return;
  }
  cpu.kernel_stack = stack_top;
  const uint64_t linear = hypercall_pointer(reinterpret_cast<const void*>(stack_top));
  kernel_assert(hypercall_stack_switch(FLAT_KERNEL_SS64, linear) == 0, "stack_switch");
}

}  // namespace kernel
