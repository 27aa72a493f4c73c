/* bool guarded_call(void (*function)(void*), void* argument): calls it with a way out. A trap in it
   (see handle_trap) continues behind the call; the result says whether that happened. */
  .text
  .globl guarded_call
  .type guarded_call, @function
guarded_call:
  push %rbp
  push %rbx
  push %r12
  push %r13
  push %r14
  push %r15
  sub $8, %rsp
  lea trapped(%rip), %rax
  mov %rax, way_out_rip(%rip)
  mov %rsp, way_out_rsp(%rip)
  mov %rdi, %rax
  mov %rsi, %rdi
  call *%rax
  xor %eax, %eax
  jmp leave
trapped:
  mov $1, %eax
leave:
  movq $0, way_out_rip(%rip)
  add $8, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbx
  pop %rbp
  ret
  .size guarded_call, . - guarded_call

  .bss
  .balign 8
  .globl way_out_rip, way_out_rsp
way_out_rip: .skip 8
way_out_rsp: .skip 8

  .section .note.GNU-stack, "", @progbits
