/* void execute_snippet(GuestRegisters* registers, const void* code)
   Loads the general-purpose registers but rsp, and the status flags, calls the code, and stores them
   all back. Offsets are those of struct GuestRegisters. */
  .text
  .globl execute_snippet
  .type execute_snippet, @function
execute_snippet:
  push %rbx
  push %rbp
  push %r12
  push %r13
  push %r14
  push %r15
  push %rdi
  push %rsi
  pushq 136(%rdi)
  popfq
  mov 0(%rdi), %rax
  mov 8(%rdi), %rbx
  mov 16(%rdi), %rcx
  mov 24(%rdi), %rdx
  mov 32(%rdi), %rsi
  mov 56(%rdi), %rbp
  mov 64(%rdi), %r8
  mov 72(%rdi), %r9
  mov 80(%rdi), %r10
  mov 88(%rdi), %r11
  mov 96(%rdi), %r12
  mov 104(%rdi), %r13
  mov 112(%rdi), %r14
  mov 120(%rdi), %r15
  mov 40(%rdi), %rdi
  call *(%rsp)
  push %rdi
  mov 16(%rsp), %rdi
  mov %rax, 0(%rdi)
  mov %rbx, 8(%rdi)
  mov %rcx, 16(%rdi)
  mov %rdx, 24(%rdi)
  mov %rsi, 32(%rdi)
  mov %rbp, 56(%rdi)
  mov %r8, 64(%rdi)
  mov %r9, 72(%rdi)
  mov %r10, 80(%rdi)
  mov %r11, 88(%rdi)
  mov %r12, 96(%rdi)
  mov %r13, 104(%rdi)
  mov %r14, 112(%rdi)
  mov %r15, 120(%rdi)
  popq 40(%rdi)
  pushfq
  popq 136(%rdi)
  pop %rsi
  pop %rdi
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbp
  pop %rbx
  ret
  .size execute_snippet, . - execute_snippet

  .section .note.GNU-stack, "", @progbits
