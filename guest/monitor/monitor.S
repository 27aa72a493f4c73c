// Ring 0 inside the VM: the only code that runs at CPL0.
//
// It is as small as it can be, since on shadow-paging KVMs each of its instructions is emulated at
// the price of hundreds of native ones, while leaving to the VMM costs as much as some twenty:
// every exception stub leaves at once with the guest's registers untouched, and the hardware's
// frame on the monitor's stack, which the VMM reads and rewrites in host memory. The VMM comes
// back through one of the resume paths. No memory of the guest is touched here but page-table
// entries, by a locked no-op.
#include "guest_abi/monitor.h"

// See base/mutant.h.
#ifdef PVMMU_MUTANT_touch_not_locked
#define LOCKED
#else
#define LOCKED lock
#endif

        .section .text.header, "ax"
        .quad   0x31726f74696e6f6d
        .quad   vector_stubs
        .quad   resume
        .quad   resume_load
        .quad   resume_swap
        .quad   resume_touch
        .quad   resume_touch_swap
        .quad   service_touch
        .quad   service_load
        .quad   service_none

        .text
resume_swap:
        swapgs
resume_load:
        mov     %rax, %cr3
        pop     %rax
resume:
        // The only iretq: an exception here means that the context to go to was bad.
        iretq

resume_touch_swap:
        swapgs
resume_touch:
        // A shadow MMU takes notice of an entry that the host changed when ring 0 does a locked
        // read-modify-write of it. It must be locked: a processor may set Accessed or Dirty at
        // any moment, and load + store would write back the older value.
        lodsq
        LOCKED orq $0, (%rax)
        dec     %ecx
        jnz     resume_touch
        pop     %rsi
        pop     %rcx
        pop     %rax
        jmp     resume_load

service_touch:
        lodsq
        LOCKED orq $0, (%rax)
        dec     %ecx
        jnz     service_touch
        out     %eax, $MONITOR_PORT_SERVICE
        ud2

service_load:
        mov     %rax, %cr3
service_none:
        // KVM completes an `out` exit by skipping the instruction if rip is still that of the `out`;
        // the VMM enters here again and again, so the entry must not be the `out` itself.
        nop
        out     %eax, $MONITOR_PORT_SERVICE
        ud2

        .balign 16
vector_stubs:
        vector = 0
        .rept 256
        .balign MONITOR_VECTOR_STUB_SIZE
        out     %al, $vector
        ud2
        vector = vector + 1
        .endr
        .balign MONITOR_VECTOR_STUB_SIZE

        .section .text.gate, "ax"
        // CPL0 on the guest's stack, or CPL3; no stack is used before the VMM has control.
        out     %eax, $MONITOR_PORT_SYSCALL
        ud2
        .balign 4096, 0xcc

        .section .note.GNU-stack, "", @progbits
