// The life of an address space, and which one a vCPU runs on.
#include "mm/mm.h"

#include <new>
#include <optional>

#include "base/linear_addr.h"
#include "mm/address_space.h"
#include "mm/ahead.h"
#include "mm/notifier.h"
#include "mm/object_pool.h"
#include "mm/pv/call_batch.h"
#include "mm/pv/entry_memory.h"
#include "mm/pv/pinning.h"
#include "mm/pv/tables.h"
#include "mm/shared_object.h"
#include "mm/swap_area.h"
#include "mm/zap.h"
#include "options.h"
#include "panic.h"

namespace kernel {
namespace {

// What a process needs; the Vma pool is shared by all.
union MmSlot {
  MmSlot() {}
  alignas(Mm) unsigned char storage[sizeof(Mm)];
};

constinit VmaPool vma_pool;
constinit ObjectPool<MmSlot> mm_pool;
Page* template_root = nullptr;

// Those that processes use, newest first.
constinit Spinlock list_lock;
constinit Mm* first_listed = nullptr;

void list(Mm& mm) {
  SpinlockGuard guard(list_lock);
  mm.listed = true;
  mm.next_listed = first_listed;
  first_listed = &mm;
}

void unlist(Mm& mm) {
  SpinlockGuard guard(list_lock);
  if (!mm.listed) {
    return;
  }
  Mm** place = &first_listed;
  while (*place != &mm) {
    place = &(*place)->next_listed;
  }
  *place = mm.next_listed;
  mm.listed = false;
}

// The leaf for an address of the kernel half; 0 without one. The kernel half has no superpages.
uint64_t kernel_leaf(const Page& root, pvmmu::LinearAddr address) {
  const Page* table = &root;
  for (pvmmu::PtLevel level = pvmmu::PtLevel::kL4; level != pvmmu::PtLevel::kL1;
       level = pvmmu::level_below(level)) {
    table = table_below(*table, address.index(level));
    if (table == nullptr) {
      return 0;
    }
  }
  return entry_load(entries_of(*table) + address.index(pvmmu::PtLevel::kL1));
}

// The vCPU leaves the address space that is active here.
void settle_before_leaving(PvVcpu& vcpu, unsigned cpu) {
  if (vcpu.active != nullptr &&
      __atomic_load_n(&vcpu.active->active_vcpus, __ATOMIC_SEQ_CST) == uint64_t{1} << cpu) {
    SettledMm settled(*vcpu.active);
  }
}

}  // namespace

void mm_boot(Page& boot_root) {
  template_root = &boot_root;
}

void mm_unmap_kernel_pages(const std::byte* first, uint64_t stride, unsigned count) {
  CallBatch batch;
  for (unsigned i = 0; i < count; ++i) {
    batch.unmap_direct_map(page_of(frame_from_address(first + i * stride)));
  }
  batch.flush_everywhere();
}

void mm_start_vcpu(unsigned cpu) {
  pv_start_vcpu(cpu);
}

Mm* mm_create() {
  MmSlot* slot = mm_pool.get();
  if (slot == nullptr) {
    return nullptr;
  }
  Mm* mm = new (slot->storage) Mm(vma_pool);
  if (!make_roots(*mm, *template_root)) {
    mm_pool.put(slot);
    return nullptr;
  }
  return mm;
}

void mm_get(Mm& mm) {
  __atomic_fetch_add(&mm.references, 1, __ATOMIC_RELAXED);
}

bool mm_try_get(Mm& mm) {
  uint64_t references = __atomic_load_n(&mm.references, __ATOMIC_RELAXED);
  while (references != 0) {
    if (__atomic_compare_exchange_n(&mm.references, &references, references + 1, false,
                                    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
      return true;
    }
  }
  return false;
}

void mm_put(Mm& mm) {
  if (__atomic_sub_fetch(&mm.references, 1, __ATOMIC_ACQ_REL) != 0) {
    return;
  }
  if (mm.active_anywhere()) {
    panic("an address space goes while a vCPU runs on it");
  }
  unlist(mm);
  notifier_release(mm);
  ahead_settle(mm);
  if (mm.pinned) {
    unpin_address_space(mm);
  }
  zap_whole_mm(mm);
  while (Vma* area = mm.areas.first()) {
    mm.areas.remove(*area);
  }
  free_all_tables(mm);
  mm_pool.put(reinterpret_cast<MmSlot*>(&mm));
}

void mm_publish(Mm& mm) {
  pin_address_space(mm);
  list(mm);
}

Mm* mm_next(Mm* previous) {
  Mm* next;
  {
    SpinlockGuard guard(list_lock);
    next = previous == nullptr ? first_listed : previous->next_listed;
    while (next != nullptr && !mm_try_get(*next)) {
      next = next->next_listed;
    }
  }
  if (previous != nullptr) {
    mm_put(*previous);
  }
  return next;
}

void mm_activate(Mm& mm, unsigned cpu) {
  PvVcpu& vcpu = pv_this_vcpu();
  if (vcpu.active == &mm) {
    return;
  }
  if (vcpu.lazy) {
    panic("roots are loaded in a lazy section, which would leave them queued");
  }
  settle_before_leaving(vcpu, cpu);
  // Only one made by mm_create, which no other vCPU has seen yet, nor does before the roots are
  // loaded.
  const bool publishes = !mm.pinned;
  {
    std::optional<CallBatch> together;
    if (publishes && options().mode == Mode::kBest) {
      together.emplace();
    }
    if (publishes) {
      pin_address_space(mm);
    }
    // Before the roots are loaded: a flush that is asked for from now on must reach this vCPU.
    __atomic_fetch_or(&mm.active_vcpus, uint64_t{1} << cpu, __ATOMIC_SEQ_CST);
    CallBatch batch;
    batch.load_kernel_root(*mm.kernel_root);
    batch.load_user_root(mm.user_root);
  }
  if (publishes) {
    list(mm);
  }
  if (vcpu.active != nullptr) {
    __atomic_fetch_and(&vcpu.active->active_vcpus, ~(uint64_t{1} << cpu), __ATOMIC_SEQ_CST);
  }
  vcpu.active = &mm;
}

void mm_deactivate(unsigned cpu) {
  PvVcpu& vcpu = pv_this_vcpu();
  Mm* mm = vcpu.active;
  if (mm == nullptr) {
    return;
  }
  settle_before_leaving(vcpu, cpu);
  {
    CallBatch batch;
    batch.load_kernel_root(*template_root);
    batch.load_user_root(nullptr);
  }
  vcpu.active = nullptr;
  __atomic_fetch_and(&mm->active_vcpus, ~(uint64_t{1} << cpu), __ATOMIC_SEQ_CST);
}

MmLeaks mm_leaks() {
  return {mm_pool.in_use(), vma_pool.in_use(), shared_object_count(), swap_slots_in_use()};
}

void mm_switch_out(LazyThread& previous) {
  lazy_switch_out(previous);
  pv_check_context_switch();
}

void mm_switch_in(LazyThread& next) {
  lazy_switch_in(next);
}

void mm_before_events_open() {
  pv_check_events_open();
}

bool kernel_fault_is_spurious(uint64_t address, uint64_t error_code) {
  constexpr uint64_t kWriteFault = 2;
  constexpr uint64_t kFetchFault = 16;
  const pvmmu::LinearAddr linear(address);
  if (!linear.canonical() || linear.index(pvmmu::PtLevel::kL4) < kFirstKernelSlot) {
    return false;
  }
  const uint64_t entry = kernel_leaf(*template_root, linear);
  return (entry & pvmmu::kPtePresent) != 0 &&
         ((error_code & kWriteFault) == 0 || (entry & pvmmu::kPteWritable) != 0) &&
         ((error_code & kFetchFault) == 0 || (entry & pvmmu::kPteNoExecute) == 0);
}

}  // namespace kernel
