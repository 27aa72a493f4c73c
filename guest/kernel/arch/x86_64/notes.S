/* What the domain builder must know. [xen/public/elfnote.h] */
#define __ASSEMBLY__
#include <xen/elfnote.h>

  .macro note type, kind, value:vararg
  .pushsection .note.Xen, "a", @note
  .balign 4
  .long 2f - 1f, 4f - 3f, \type
1: .asciz "Xen"
2: .balign 4
3: \kind \value
4: .balign 4
  .popsection
  .endm

  note XEN_ELFNOTE_GUEST_OS, .asciz, "pvmmu"
  note XEN_ELFNOTE_GUEST_VERSION, .asciz, "1"
  note XEN_ELFNOTE_XEN_VERSION, .asciz, "xen-3.0"
  note XEN_ELFNOTE_VIRT_BASE, .quad, VIRT_BASE
  note XEN_ELFNOTE_ENTRY, .quad, start
  note XEN_ELFNOTE_HYPERCALL_PAGE, .quad, hypercall_page
  note XEN_ELFNOTE_FEATURES, .asciz, "!writable_page_tables|pae_pgdir_above_4gb"
  note XEN_ELFNOTE_PAE_MODE, .asciz, "yes"
  note XEN_ELFNOTE_LOADER, .asciz, "generic"
  note XEN_ELFNOTE_MOD_START_PFN, .quad, 1
