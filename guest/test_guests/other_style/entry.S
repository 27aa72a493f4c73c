/* Entry by e_entry, stack in a low page, no hypercall page and few notes. */
#include <xen/elfnote.h>

#define STACK_TOP 0x8000

  .section .text.entry, "ax"
  .globl _start
  .type _start, @function
_start:
  mov $STACK_TOP, %rsp
  mov %rsi, %rdi
  call other_main
  ud2
  .size _start, . - _start

  /* Bounced to for a page fault: rcx, r11, error code, rip, ... Goes on at the address in r15, as
     the faulting code wants, with the stack of before. */
  .globl other_page_fault
other_page_fault:
  mov %r15, %rcx
  mov 48(%rsp), %rsp
  mov $1, %r14
  jmp *%rcx

  .globl other_event, other_failsafe, other_syscall
other_event:
other_failsafe:
other_syscall:
  ud2

  .section .note.Xen, "a", @note
  .balign 4
  .long 4, 8, XEN_ELFNOTE_XEN_VERSION
  .asciz "Xen"
  .asciz "xen-3.0"
  .balign 4
  .long 4, 8, XEN_ELFNOTE_LOADER
  .asciz "Xen"
  .asciz "generic"
  .balign 4

  .section .note.GNU-stack, "", @progbits
