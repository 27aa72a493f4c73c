// The built-in guest's ELF file as it was built, for guest_input.cc.
    .section .rodata
    .balign 16
    .globl vmm_builtin_guest_begin
    .globl vmm_builtin_guest_end
vmm_builtin_guest_begin:
    .incbin VMM_BUILTIN_GUEST
vmm_builtin_guest_end:
    .section .note.GNU-stack, "", @progbits
