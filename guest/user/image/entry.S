# Where threads of the interpreter start and end, and how they touch memory that may fault.

        .section .text.entry, "ax", @progbits

# The first thread: rdi = program, rsi = its size, rdx = seed, rcx = its first op; the kernel's rsp is
# kStackTop.
        .globl interpreter_entry
        .type interpreter_entry, @function
interpreter_entry:
        xor     %ebp, %ebp
        and     $-16, %rsp
        call    first_thread_main
        ud2
        .size interpreter_entry, . - interpreter_entry

# Another thread: rdi = its index, rsp = the top of its stack.
        .globl interpreter_thread_entry
        .type interpreter_thread_entry, @function
interpreter_thread_entry:
        xor     %ebp, %ebp
        and     $-16, %rsp
        call    further_thread_main
        ud2
        .size interpreter_thread_entry, . - interpreter_thread_entry

        .text

# int64_t raw_syscall(number, a0, a1, a2, a3, a4, a5)
        .globl raw_syscall
        .type raw_syscall, @function
raw_syscall:
        mov     %rdi, %rax
        mov     %rsi, %rdi
        mov     %rdx, %rsi
        mov     %rcx, %rdx
        mov     %r8, %r10
        mov     %r9, %r8
        mov     8(%rsp), %r9
        syscall
        ret
        .size raw_syscall, . - raw_syscall

# leave_thread(SlotState*): gives up slot and stack, and touches neither after.
        .globl leave_thread
        .type leave_thread, @function
leave_thread:
        movl    $0, (%rdi)
        xor     %eax, %eax              # kExit
        xor     %edi, %edi
        syscall
        ud2
        .size leave_thread, . - leave_thread

# Accesses that may fault. Each returns its value in rax and 0 in rdx. None uses the stack, so
# that the fault handler below can return to the caller in its place.
        .globl guarded_begin
guarded_begin:

        .globl guarded_load             # (address)
        .type guarded_load, @function
guarded_load:
        xor     %edx, %edx
        mov     (%rdi), %rax
        ret
        .size guarded_load, . - guarded_load

        .globl guarded_store            # (address, value)
        .type guarded_store, @function
guarded_store:
        xor     %edx, %edx
        mov     %rsi, (%rdi)
        ret
        .size guarded_store, . - guarded_store

        .globl guarded_fetch_add        # (address, value)
        .type guarded_fetch_add, @function
guarded_fetch_add:
        xor     %edx, %edx
        mov     %rsi, %rax
        lock xadd %rax, (%rdi)
        ret
        .size guarded_fetch_add, . - guarded_fetch_add
guarded_end:

# The thread's fault handler: rdi = address, rsi = error code, rdx = vector, rcx = faulting rip.
# Returns from the guarded access with rax = address, rdx = 1 << 63 | vector << 32 | error code.
        .globl fault_handler
        .type fault_handler, @function
fault_handler:
        cmp     $guarded_begin, %rcx
        jb      1f
        cmp     $guarded_end, %rcx
        jae     1f
        mov     %rdi, %rax
        mov     %esi, %esi
        shl     $32, %rdx
        or      %rsi, %rdx
        bts     $63, %rdx
        ret
1:      xor     %ebp, %ebp
        and     $-16, %rsp
        call    unexpected_fault
        ud2
        .size fault_handler, . - fault_handler

        .section .note.GNU-stack, "", @progbits
