/* bool guarded_call(void (*function)(void*), void* argument): calls it with a way out. A trap in it
   (see handle_trap) continues behind the call; the result says whether that happened. The way out
   stands at the lowest end of the stack, see stack.h. */
#define STACK_SIZE 32768
#define WAY_OUT_RIP 0
#define WAY_OUT_RSP 8

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
  mov %rsp, %rbx
  and $-STACK_SIZE, %rbx
  lea trapped(%rip), %rax
  mov %rax, WAY_OUT_RIP(%rbx)
  mov %rsp, WAY_OUT_RSP(%rbx)
  mov %rdi, %rax
  mov %rsi, %rdi
  call *%rax
  xor %eax, %eax
  jmp leave
trapped:
  mov $1, %eax
leave:
  mov %rsp, %rbx
  and $-STACK_SIZE, %rbx
  movq $0, WAY_OUT_RIP(%rbx)
  add $8, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbx
  pop %rbp
  ret
  .size guarded_call, . - guarded_call

  .section .note.GNU-stack, "", @progbits
