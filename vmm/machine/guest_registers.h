// The registers of a guest context at CPL3, as the VMM holds them between two entries.
#pragma once

#include <stdint.h>

namespace vmm {

struct GuestRegisters {
  uint64_t rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp;
  uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
  uint64_t rip;
  uint64_t rflags;
  uint16_t cs, ss;
};

// By the number that instructions use: 0 rax, 1 rcx, 2 rdx, 3 rbx, 4 rsp, 5 rbp, 6 rsi, 7
// rdi, 8..15.
uint64_t& general_register(GuestRegisters& registers, unsigned number);

}  // namespace vmm
