// The registers of whatever a trap interrupted, as the entry code leaves them on the kernel stack.
//
// It ends in what the iret hypercall takes [xen/public/arch-x86/xen-x86_64.h: iret_context].
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace kernel {

struct TrapFrame {
  uint64_t r15, r14, r13, r12, rbp, rbx, r10, r9, r8, rdx, rsi, rdi;
  uint64_t rax, r11, rcx;
  uint64_t error_code;  // 0 where the trap has none; iret's flags on the way back
  uint64_t rip;
  uint64_t cs;  // bits 0-1: 3 if user code was interrupted
  uint64_t rflags;
  uint64_t rsp;
  uint64_t ss;

  bool from_user() const { return (cs & 3) == 3; }

  // A system call: number in rax, arguments in rdi, rsi, rdx, r10, r8, r9.
  uint64_t syscall_number() const { return rax; }
  uint64_t syscall_argument(unsigned i) const {
    const uint64_t arguments[6] = {rdi, rsi, rdx, r10, r8, r9};
    return arguments[i];
  }
  void set_syscall_result(int64_t result) { rax = static_cast<uint64_t>(result); }
};

static_assert(sizeof(TrapFrame) == 21 * 8);
static_assert(offsetof(TrapFrame, rax) == 12 * 8);

// A thread of a process that begins at `entry` with up to three arguments; events open.
TrapFrame user_start_frame(uint64_t entry, uint64_t stack_top, const uint64_t (&arguments)[3]);

}  // namespace kernel
