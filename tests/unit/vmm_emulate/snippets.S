/* Instructions to be tested, assembled, with their text. In all of them rdi points to the middle of
   the test's memory, rsi is a small index, rcx a bit number, and the rest is random. */

  .section .rodata.snippet_text, "a"
  .section .data.rel.ro.snippets, "aw"
  .balign 8
  .globl store_snippets
store_snippets:
  .section .rodata.snippet_code, "a"

.macro snippet text:vararg
  .section .rodata.snippet_code
1: \text
2:
  .section .rodata.snippet_text
3: .asciz "\text"
  .section .data.rel.ro.snippets
  .quad 1b, 2b, 3b
.endm

.macro end_of_snippets
  .section .data.rel.ro.snippets
  .quad 0, 0, 0
.endm

  snippet mov %rax, (%rdi)
  snippet mov %eax, 4(%rdi)
  snippet mov %ax, -6(%rdi)
  snippet mov %al, 3(%rdi)
  snippet mov %ah, 3(%rdi)
  snippet mov %dh, (%rdi)
  snippet mov %sil, (%rdi)
  snippet mov %bpl, (%rdi)
  snippet mov %r9b, (%rdi)
  snippet mov %r13, (%rdi,%rsi,8)
  snippet mov %r8d, 16(%rdi,%rsi,4)
  snippet mov %rdx, -64(%rdi,%rsi,2)
  snippet mov %rax, %gs:(%rdi)
  snippet movq $-2, (%rdi)
  snippet movq $0x12345678, (%rdi)
  snippet movl $0x87654321, (%rdi)
  snippet movw $0x8765, (%rdi)
  snippet movb $0x87, (%rdi)
  snippet movnti %rax, (%rdi)
  snippet movnti %eax, (%rdi)
  snippet xchg %rax, (%rdi)
  snippet xchg %ebx, (%rdi)
  snippet xchg %dx, (%rdi)
  snippet xchg %bh, (%rdi)
  snippet xchg %r10b, (%rdi)
  snippet lock cmpxchg %rbx, (%rdi)
  snippet lock cmpxchg %ebx, (%rdi)
  snippet lock cmpxchg %bx, (%rdi)
  snippet lock cmpxchg %bl, (%rdi)
  snippet cmpxchg %r15, (%rdi,%rsi,8)
  snippet lock and %rax, (%rdi)
  snippet lock and %eax, (%rdi)
  snippet lock andq $-3, (%rdi)
  snippet lock andl $0x7fffffff, (%rdi)
  snippet lock andb $0xfd, (%rdi)
  snippet lock andw $0x8000, (%rdi)
  snippet andq $0x60, (%rdi)
  snippet lock or %rax, (%rdi)
  snippet lock orb $0x40, (%rdi)
  snippet lock orq $0, (%rdi)
  snippet lock orq $-0x80000000, (%rdi)
  snippet orl $0x42, (%rdi)
  snippet lock btsq $63, (%rdi)
  snippet lock btsl $33, (%rdi)
  snippet lock btrq $1, (%rdi)
  snippet lock btrw $15, (%rdi)
  snippet lock bts %rcx, (%rdi)
  snippet lock btr %rcx, (%rdi)
  snippet lock bts %ecx, (%rdi)
  snippet lock btr %cx, (%rdi)
  snippet lock xadd %rax, (%rdi)
  snippet lock xadd %eax, (%rdi)
  snippet xadd %ax, (%rdi)
  snippet lock xadd %dh, (%rdi)
  end_of_snippets

  .section .data.rel.ro.snippets
  .globl load_snippets
load_snippets:
  snippet mov (%rdi), %rax
  snippet mov (%rdi), %eax
  snippet mov (%rdi), %ax
  snippet mov (%rdi), %al
  snippet mov (%rdi), %bh
  snippet mov (%rdi), %r12b
  snippet mov 8(%rdi,%rsi,8), %r11
  snippet mov %gs:(%rdi), %rdx
  snippet movzbl (%rdi), %eax
  snippet movzbw (%rdi), %ax
  snippet movzwq (%rdi), %rbx
  snippet movsbq (%rdi), %rax
  snippet movsbw (%rdi), %cx
  snippet movswl (%rdi), %edx
  snippet movslq (%rdi), %r9
  snippet cmp %rax, (%rdi)
  snippet cmp (%rdi), %rax
  snippet cmpl $-5, (%rdi)
  snippet cmpb $0x80, (%rdi)
  snippet cmp (%rdi), %bx
  snippet test %rax, (%rdi)
  snippet testb $1, (%rdi)
  snippet testl $0x80000000, (%rdi)
  end_of_snippets

  .section .note.GNU-stack, "", @progbits
