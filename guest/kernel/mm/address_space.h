// One address space.
//
// A process has two roots, as 64-bit PV guests do: the kernel root (user half and kernel half) for
// the kernel, and the user root (user half only) while its own code runs. Slots 0..255 of both hold
// the same entries, so the tables below are shared. Slots 256..271 belong to the hypervisor.
//
// What protects what: `lock` the areas, the shape of the tables and their leaves against other
// users of the same Mm; each leaf also has the lock of its L1 table (pv/table_lock.h), which is
// what pinning holds. `active_vcpus` is read by the hypervisor whenever a flush names it.
#pragma once

#include <stdint.h>

#include "mm/page.h"
#include "mm/vma.h"
#include "spinlock.h"

namespace kernel {

struct MmuNotifier;

// What faults have prepared ahead (mm/ahead.h). With Mm::lock.
struct AheadWindow {
  // With the fault's own entry as many requests as one flush of the classical queue.
  static constexpr unsigned kMost = 30;
  static_assert(kMost <= 64, "from_swap has a bit for each");

  Page* table = nullptr;  // that has the entries; none: nothing is prepared
  uint64_t start = 0;     // address of the first
  unsigned count = 0;
  uint64_t from_swap = 0;  // bit i: entry i was swapped, not none
  unsigned size = 4;       // how many the next window may have
  uint64_t expected = 0;   // where the next fault shows that memory is used in order
};

struct Mm {
  explicit Mm(VmaPool& pool) : areas(pool) {}

  Spinlock lock;
  // Stands for the locks of all L1 tables when they have none of their own.
  Spinlock table_lock;
  uint64_t references = 1;  // atomic
  // Bit n: vCPU n runs on these roots or is about to. Also the operand of multi-vCPU flushes.
  alignas(8) uint64_t active_vcpus = 0;  // atomic
  // The tables are typed by the hypervisor and read-only in the direct map.
  bool pinned = false;
  // Entries changed so far, and how many they were at the last spurious fault. With `lock`.
  uint64_t changes = 0;
  uint64_t changes_at_spurious_fault = 0;
  AheadWindow ahead;
  // Secondary MMUs that have translations of this address space (notifier.h). Changes with `lock`.
  MmuNotifier* notifiers = nullptr;
  Page* kernel_root = nullptr;
  Page* user_root = nullptr;
  VmaList areas;
  // The list of those that are in use (mm.cc): its lock.
  bool listed = false;
  Mm* next_listed = nullptr;

  bool active_anywhere() const { return __atomic_load_n(&active_vcpus, __ATOMIC_SEQ_CST) != 0; }
  bool active_on(unsigned cpu) const {
    return ((__atomic_load_n(&active_vcpus, __ATOMIC_SEQ_CST) >> cpu) & 1) != 0;
  }
};

// Pins an address space that nobody else has seen, and makes it one that mm_next() finds.
void mm_publish(Mm& mm);

}  // namespace kernel
