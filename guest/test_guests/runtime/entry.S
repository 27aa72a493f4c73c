/* Where a test guest starts, its Xen notes and its hypercall page. */
#include <xen/elfnote.h>

  .section .text.hypercall_page, "ax"
  .balign 4096
  .globl hypercall_page
hypercall_page:
  .skip 4096

  .section .text.entry, "ax"
  .globl guest_entry
  .type guest_entry, @function
guest_entry:
  lea boot_stack_top(%rip), %rsp
  xor %ebp, %ebp
  mov %rsi, %rdi
  call guest_main
  ud2
  .size guest_entry, . - guest_entry

  .section .bss
  .balign 32768                 /* kStackSize */
boot_stack:
  .skip 32768
boot_stack_top:

.macro xen_note type, value:vararg
  .balign 4
  .long 2f - 1f, 4f - 3f, \type
1: .asciz "Xen"
2: .balign 4
3: \value
4: .balign 4
.endm

  .section .note.Xen, "a", @note
  xen_note XEN_ELFNOTE_GUEST_OS, .asciz "pvmmu-test"
  xen_note XEN_ELFNOTE_XEN_VERSION, .asciz "xen-3.0"
  xen_note XEN_ELFNOTE_LOADER, .asciz "generic"
  xen_note XEN_ELFNOTE_VIRT_BASE, .quad 0xffffffff80000000
  xen_note XEN_ELFNOTE_ENTRY, .quad guest_entry
  xen_note XEN_ELFNOTE_HYPERCALL_PAGE, .quad hypercall_page
  xen_note XEN_ELFNOTE_PAE_MODE, .asciz "yes"
  xen_note XEN_ELFNOTE_FEATURES, .asciz "!writable_page_tables|pae_pgdir_above_4gb"

  .section .note.GNU-stack, "", @progbits
