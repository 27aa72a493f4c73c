// What the rest of the kernel asks of the memory manager: address spaces, faults, the system calls
// that change mappings, and access to user memory.
//
// An Mm is one address space: a kernel root and a user root that share the tables of the user half.
// It is reference-counted (a reference for each thread) and pinned from the end of its making until
// it is dropped. `cpu` is the calling vCPU's number, which must not change during a call:
// the kernel does not preempt itself, and event upcalls are masked while mm code runs.
//
// Lock order: Mm lock, then one L1 table lock after another; none is held across a context switch,
// and no function here sleeps. Nothing here may be called with an L1 table lock held.
// Results of the sys_ functions are values or negative errno (Linux's numbers).
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <span>

namespace kernel {

struct LazyThread;
struct Mm;
struct Page;

// --- the life of an address space ---

// Once, on the boot vCPU, when frames and the direct map work. boot_root, the root that the kernel
// booted on, becomes the template: its kernel half is shared by all address spaces, it has no user
// half, and it is what a vCPU runs on without a process.
void mm_boot(Page& boot_root);
// Once on each vCPU before it uses any other function here.
void mm_start_vcpu(unsigned cpu);

// Once, at boot: takes `count` pages out of the direct map, `stride` bytes from each to the next,
// and for ever: an access to them is a fault of the kernel.
void mm_unmap_kernel_pages(const std::byte* first, uint64_t stride, unsigned count);

// A new empty address space, not pinned before its first activation; nullptr if memory is out.
Mm* mm_create();
// The copy of parent for a child process, pinned; nullptr if memory is out.
Mm* mm_fork(Mm& parent);
void mm_get(Mm& mm);
// False if the last reference has gone: then the address space is on its way down, and the caller
// must know by other means that it is still there to be asked.
bool mm_try_get(Mm& mm);
// Drops a reference; the last one takes the address space down, and then no vCPU may run on it:
// call mm_deactivate first, also on the vCPU that makes this call.
void mm_put(Mm& mm);

// Goes through the address spaces that processes use, in no order: takes a reference of the one
// after `previous` (the first for null), whose reference it drops. nullptr: no more. One that comes
// into use meanwhile may be left out. With no lock held.
Mm* mm_next(Mm* previous);

// Loads both roots of mm on this vCPU. Cheap if mm is already active here. Takes no lock but
// the Mm lock of what was active; the first activation of what mm_create made pins it, so nobody
// else may use it meanwhile.
void mm_activate(Mm& mm, unsigned cpu);
// Puts this vCPU on the template root. Does nothing if no address space is active here.
void mm_deactivate(unsigned cpu);
// Called when one thread makes way for another: panics unless the hypercall queue of this vCPU
// is empty, lazy mode is left and no L1 table lock is held. Then, as the other when it runs.
void mm_switch_out(LazyThread& previous);
void mm_switch_in(LazyThread& next);
// Called before event upcalls open, in idle and on the way to user mode: panics as above. So no
// load of a root is ever queued while a vCPU can be interrupted.
void mm_before_events_open();

// --- faults ---

enum class FaultResult {
  kResolved,  // the access may be retried
  kSpurious,  // the tables permit the access already, and no entry changed since the last such
              // fault: count it, retry a bounded number of times
  kBad,       // the process may not do this
  kNoMemory,
};
// error_code has the bits of a page fault [SDM 3A 4.7].
FaultResult handle_user_fault(Mm& mm, uint64_t address, uint64_t error_code);
// A page fault of the kernel itself outside the user half: true if the tables permit the access
// (the translation that faulted was stale), so that it may be retried.
bool kernel_fault_is_spurious(uint64_t address, uint64_t error_code);

// --- system calls (semantics in guest_abi/syscall.h) ---

int64_t sys_mmap(Mm& mm, uint64_t address, uint64_t length, uint64_t prot, uint64_t flags);
int64_t sys_munmap(Mm& mm, uint64_t address, uint64_t length);
int64_t sys_mprotect(Mm& mm, uint64_t address, uint64_t length, uint64_t prot);
int64_t sys_mprotect_naive(Mm& mm, uint64_t address, uint64_t length, uint64_t prot);
int64_t sys_populate(Mm& mm, uint64_t address, uint64_t length, uint64_t phase);
int64_t sys_pin_test(uint64_t pte_page_count, uint64_t pin_phase, uint64_t unpin_phase);
int64_t sys_race_pin(uint64_t length);
int64_t sys_race_set();
int64_t sys_retype(Mm& mm, uint64_t address, uint64_t length);
int64_t sys_pte_query(Mm& mm, uint64_t address);
int64_t sys_clear_refs(Mm& mm, uint64_t address, uint64_t length);
int64_t sys_test_and_clear_young(Mm& mm, uint64_t address, uint64_t length);
int64_t sys_madvise_dontneed(Mm& mm, uint64_t address, uint64_t length);
int64_t sys_mremap(Mm& mm, uint64_t address, uint64_t length, uint64_t new_address);
int64_t sys_swap_out(Mm& mm, uint64_t address, uint64_t length);
int64_t sys_writeback(Mm& mm, uint64_t address, uint64_t length);

// --- building a process from the program ---

struct ImageInfo {
  uint64_t entry;
  uint64_t stack_top;
  uint64_t program;  // where the program was mapped
  uint64_t program_byte_count;
};
// Loads the interpreter (an ELF file in kernel memory) and the program into a fresh mm: segments,
// state pages and stack populated, the program read-only. Returns 0, -ENOEXEC, -E2BIG or -ENOMEM.
int64_t mm_map_image(Mm& mm, std::span<const std::byte> interpreter,
                     std::span<const std::byte> program, ImageInfo& info);

// --- user memory, through the tables of mm, which need not be active ---

// 0 or -EFAULT. Resolves faults on the way; a failure may leave part of the bytes copied.
int64_t copy_from_user(Mm& mm, void* to, uint64_t from, size_t byte_count);
int64_t copy_to_user(Mm& mm, uint64_t to, const void* from, size_t byte_count);

// --- the end ---

// What is in use and should not be when the last process has gone.
struct MmLeaks {
  uint64_t address_spaces = 0;
  uint64_t areas = 0;
  uint64_t shared_objects = 0;
  uint64_t swap_slots = 0;
  bool any() const { return (address_spaces | areas | shared_objects | swap_slots) != 0; }
};
MmLeaks mm_leaks();

}  // namespace kernel
