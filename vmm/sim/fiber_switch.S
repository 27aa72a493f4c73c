/* void vmm_fiber_switch(uint64_t* save, uint64_t next): six registers, then where to go on. */
  .text
  .globl vmm_fiber_switch
  .type vmm_fiber_switch, @function
vmm_fiber_switch:
  push %rbp
  push %rbx
  push %r12
  push %r13
  push %r14
  push %r15
  mov %rsp, (%rdi)
  mov %rsi, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbx
  pop %rbp
  ret
  .size vmm_fiber_switch, . - vmm_fiber_switch
  .section .note.GNU-stack, "", @progbits
