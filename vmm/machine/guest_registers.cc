#include "machine/guest_registers.h"

namespace vmm {

uint64_t& general_register(GuestRegisters& registers, unsigned number) {
  uint64_t* const by_number[16] = {&registers.rax, &registers.rcx, &registers.rdx, &registers.rbx,
                                   &registers.rsp, &registers.rbp, &registers.rsi, &registers.rdi,
                                   &registers.r8,  &registers.r9,  &registers.r10, &registers.r11,
                                   &registers.r12, &registers.r13, &registers.r14, &registers.r15};
  return *by_number[number & 15];
}

}  // namespace vmm
