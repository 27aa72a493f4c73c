        .section .rodata
        .balign 16
        .globl  vmm_monitor_image_start
        .globl  vmm_monitor_image_end
vmm_monitor_image_start:
        .incbin VMM_MONITOR_BINARY
vmm_monitor_image_end:
        .section .note.GNU-stack, "", @progbits
