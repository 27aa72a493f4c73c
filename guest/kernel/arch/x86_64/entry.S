/* The ways into the kernel, the way out, and the switch between threads.
 *
 * The hypervisor enters a handler with (top of stack first) rcx, r11, [error code], rip, cs,
 * rflags, rsp, ss; every other register is the interrupted code's. A TrapFrame is made of that
 * (arch/trap_frame.h). On the way out the iret slot of the hypercall page pushes rax, r11 and rcx
 * itself, above flags, rip, cs, rflags, rsp, ss. Events are masked all the time.
 */
#define __ASSEMBLY__
#include <xen/xen.h>

#define FRAME_CS (17 * 8)
#define FRAME_ERROR (15 * 8)

  .section .text.hypercall_page, "ax", @progbits
  .balign 4096
  .globl hypercall_page
hypercall_page:
  .skip 4096, 0xcc

  .macro function name
  .globl \name
  .type \name, @function
\name:
  .endm
  .macro end name
  .size \name, . - \name
  .endm

  .section .text.entry, "ax", @progbits

/* rsi = start_info. */
function start
  cld
  lea boot_stack_top(%rip), %rsp
  xor %ebp, %ebp
  mov %rsi, %rdi
  push %rbp
  jmp kernel_start
end start

/* A secondary processor: the stack is its idle thread's. */
function secondary_entry
  cld
  xor %ebp, %ebp
  push %rbp
  jmp secondary_start
end secondary_entry

/* int64_t arch_hypercall(op, args) */
function arch_hypercall
  push %rbp
  mov %rsp, %rbp
  shl $5, %rdi
  lea hypercall_page(%rdi), %rax
  mov %rsi, %r11
  mov 0(%r11), %rdi
  mov 8(%r11), %rsi
  mov 16(%r11), %rdx
  mov 24(%r11), %r10
  mov 32(%r11), %r8
  mov 40(%r11), %r9
  call *%rax
  pop %rbp
  ret
end arch_hypercall

/* What the hypervisor pushed becomes the top of a TrapFrame; the rest of it is saved below. */
  .macro begin_frame has_error:req
  pop %rcx
  pop %r11
  .if \has_error == 0
  push $0
  .endif
  push %rcx
  push %r11
  push %rax
  .endm

  .macro save_registers
  push %rdi
  push %rsi
  push %rdx
  push %r8
  push %r9
  push %r10
  push %rbx
  push %rbp
  push %r12
  push %r13
  push %r14
  push %r15
  cld
  /* Backtraces end where user code was interrupted. */
  testb $3, FRAME_CS(%rsp)
  jz 1f
  xor %ebp, %ebp
1:
  .endm

/* Calls a C++ function with the frame, on an aligned stack. */
  .macro call_handler function:req
  mov %rsp, %rdi
  mov %rsp, %rbx
  and $-16, %rsp
  call \function
  mov %rbx, %rsp
  .endm

  .macro exception vector:req has_error:req
  .balign 16
exception_\vector:
  begin_frame \has_error
  mov $\vector, %eax
  jmp exception_common
  .pushsection .rodata.exception_entries, "a"
  .quad \vector, exception_\vector
  .popsection
  .endm

/* {vector, address} pairs, ended by a zero address. */
  .section .rodata.exception_entries, "a"
  .balign 8
  .globl exception_entries
exception_entries:
  .section .text.entry, "ax", @progbits

  exception 0, 0
  exception 1, 0
  exception 3, 0
  exception 4, 0
  exception 5, 0
  exception 6, 0
  exception 7, 0
  exception 10, 1
  exception 11, 1
  exception 12, 1
  exception 13, 1
  exception 14, 1
  exception 16, 0
  exception 17, 1
  exception 19, 0
  .section .rodata.exception_entries, "a"
  .quad 0, 0
  .section .text.entry, "ax", @progbits

function exception_common
  save_registers
  mov %eax, %esi
  call_handler handle_exception
  jmp return_from_trap
end exception_common

function syscall_entry
  begin_frame 0
  save_registers
  call_handler handle_syscall
  jmp return_from_trap
end syscall_entry

function event_entry
  begin_frame 0
  save_registers
  call_handler handle_event_upcall
  jmp return_from_trap
end event_entry

/* The hypervisor found the context of an iret unusable: four selectors, then the frame. */
function failsafe_entry
  begin_frame 0
  save_registers
  call_handler handle_failsafe
  ud2
end failsafe_entry

/* A new thread's first instruction: its stack holds a TrapFrame, or nothing. */
function thread_entry
  xor %ebp, %ebp
  mov %rsp, %rbx
  and $-16, %rsp
  call thread_begin
  mov %rbx, %rsp
  jmp return_from_trap
end thread_entry

function return_from_trap
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbp
  pop %rbx
  pop %r10
  pop %r9
  pop %r8
  pop %rdx
  pop %rsi
  pop %rdi
  pop %rax
  pop %r11
  pop %rcx
  movq $0, (%rsp)
  jmp hypercall_page + __HYPERVISOR_iret * 32
end return_from_trap

/* void context_switch_stacks(uint64_t* save, uint64_t next) */
function context_switch_stacks
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
end context_switch_stacks

  .section .bss.boot_stack, "aw", @nobits
  .balign 4096
boot_stack:
  .skip 16384
  .globl boot_stack_top
boot_stack_top:

  .section .note.GNU-stack, "", @progbits
