/* Trap handlers as Xen calls them: rcx, r11, [error code], rip, cs, rflags, rsp, ss on the stack,
   rcx on top. All end in handle_trap(TrapFrame*), and return by the iret hypercall. */

#define HYPERCALL_IRET 23

  .text
  .balign 16
  .globl trap_stubs
trap_stubs:  /* one for each vector, 16 bytes apart */
  .set vector, 0
  .rept 32
  .balign 16
  pop %rcx
  pop %r11
  .if (vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17) || (vector == 21)
  .else
  push $0
  .endif
  push $vector
  jmp trap_common
  .set vector, vector + 1
  .endr

/* The callbacks, whose frames are those of exceptions without error code; the failsafe callback's
   begins with four selectors, but nothing returns from it. */
.macro callback_stub name, vector
  .balign 16
  .globl \name
\name:
  pop %rcx
  pop %r11
  push $0
  push $\vector
  jmp trap_common
.endm

  callback_stub event_stub, 32
  callback_stub failsafe_stub, 33
  callback_stub syscall_stub, 34

  .balign 16
trap_common:
  cld
  push %rax
  push %rcx
  push %rdx
  push %rbx
  push %rbp
  push %rsi
  push %rdi
  push %r8
  push %r9
  push %r10
  push %r11
  push %r12
  push %r13
  push %r14
  push %r15
  mov %rsp, %rdi
  mov %rsp, %rbp
  and $-16, %rsp
  call handle_trap
  mov %rbp, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %r11
  pop %r10
  pop %r9
  pop %r8
  pop %rdi
  pop %rsi
  pop %rbp
  pop %rbx
  pop %rdx
  pop %rcx
  pop %rax
  add $16, %rsp                 /* vector and error code */
  push $0                       /* not from a system call */
  jmp hypercall_page + HYPERCALL_IRET * 32

  .section .note.GNU-stack, "", @progbits
