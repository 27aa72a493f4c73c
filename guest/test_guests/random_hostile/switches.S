/* Ways through the iret hypercall, and code for the guest's user.
   [xen/public/arch-x86/xen-x86_64.h: iret_context: rax, r11, rcx, flags, rip, cs, rflags, rsp, ss] */
#define HYPERCALL_IRET 23
#define KERNEL_CS 0xe030
#define USER_CS 0xe033
#define FLAT_SS 0xe02b

  .text
/* void iret_to_user(uint64_t rip, uint64_t rsp, uint64_t flags): never comes back by itself. */
  .globl iret_to_user
  .type iret_to_user, @function
iret_to_user:
  pushq $FLAT_SS
  push %rsi
  push %rdx
  pushq $USER_CS
  push %rdi
  pushq $0
  jmp hypercall_page + HYPERCALL_IRET * 32
  .size iret_to_user, . - iret_to_user

/* void iret_to_kernel(uint64_t flags): returns, with the flags of a well-behaved function. */
  .globl iret_to_kernel
  .type iret_to_kernel, @function
iret_to_kernel:
  mov %rsp, %rax
  pushq $FLAT_SS
  push %rax
  push %rdi
  pushq $KERNEL_CS
  lea 1f(%rip), %rax
  push %rax
  pushq $0
  jmp hypercall_page + HYPERCALL_IRET * 32
1:
  pushq $2
  popfq
  ret
  .size iret_to_kernel, . - iret_to_kernel

/* int64_t raw_syscall(number, arg1, arg2, arg3): the gate without the hypercall page. */
  .globl raw_syscall
  .type raw_syscall, @function
raw_syscall:
  mov %rdi, %rax
  mov %rsi, %rdi
  mov %rdx, %rsi
  mov %rcx, %rdx
  xor %r10d, %r10d
  xor %r8d, %r8d
  xor %r9d, %r9d
  syscall
  ret
  .size raw_syscall, . - raw_syscall

/* What the guest's user does, with an address in rsp: each way ends in a trap. */
  .balign 16
  .globl user_codes, user_codes_end
user_codes:
  ud2
  .balign 16
  syscall
  ud2
  .balign 16
  mov (%rsp), %rax
  mov %rax, (%rsp)
  ud2
  .balign 16
  push %rsp
  syscall
  ud2
  .balign 16
  int3
  ud2
  .balign 16
  lock btsq $1, (%rsp)
  ud2
  .balign 16
  int $0x82
  ud2
  .balign 16
  in $0x70, %al
  ud2
  .balign 16
  call 1f
1: ud2
  .balign 16
user_codes_end:

  .section .note.GNU-stack, "", @progbits
