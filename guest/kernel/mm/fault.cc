#include "mm/fault.h"

#include <string.h>

#include <optional>

#include "accounting.h"
#include "mm/ahead.h"
#include "mm/device.h"
#include "mm/notifier.h"
#include "mm/pv/accessors.h"
#include "mm/pv/call_batch.h"
#include "mm/pv/lazy_section.h"
#include "mm/pv/table_lock.h"
#include "mm/pv/tables.h"
#include "mm/shared_object.h"
#include "mm/swap_area.h"
#include "options.h"
#include "pte_rules/seeded.h"

namespace kernel {
namespace {

using pte_rules::Seeded;
using pte_rules::seeded;

bool may_access(const Vma& area, Access access) {
  switch (access) {
    case Access::kWrite:
      return area.writable();
    case Access::kExecute:
      return (area.prot & guest_abi::kProtExec) != 0;
    default:
      return area.prot != 0;  // x86 has no right that excludes reading
  }
}

bool permits(UserPte entry, Access access) {
  return entry.present() && (access != Access::kWrite || entry.writable()) &&
         (access != Access::kExecute || entry.executable());
}

// Makes the entry of a page that was not there present.
void establish(const PtePlace& place, const Vma& area, UserPte fresh, bool by_process) {
  if (options().mode != Mode::kBest) {
    TableLock lock(place.mm, place.table);
    pte_establish(place, fresh);
    return;
  }
  if (!by_process || !ahead_establish(place, area, fresh)) {
    LazySection section(place.mm, place.table);
    pte_establish(place, fresh);
  }
}

FaultResult insert_entry(const PtePlace& place, const Vma& area, Access access, bool by_process) {
  UserPte fresh;
  if (!take_entry_for(area, place.address, access == Access::kWrite, fresh)) {
    return FaultResult::kNoMemory;
  }
  fresh = access == Access::kWrite ? fresh.with_dirty() : fresh.with_accessed();
  if (seeded<Seeded::change_without_lock>()) {
    pte_establish(place, fresh);
    return FaultResult::kResolved;
  }
  establish(place, area, fresh, by_process);
  return FaultResult::kResolved;
}

// More rights for the page that is mapped already: a file's page that is written for the first
// time since it was clean, or private memory whose other users have gone.
FaultResult relax(const PtePlace& place, const Vma& area, UserPte old, Access access) {
  const bool is_write = access == Access::kWrite;
  if (area.backing == Backing::kFile && is_write) {
    mark_page_dirty(page_of(old.frame()));
  }
  const bool may_write = area.backing != Backing::kFile || is_write || old.dirty();
  const UserPte relaxed = old.with_rights(area.prot, may_write).with_accessed();
  TableLock lock(place.mm, place.table);
  pte_relax_access(place, is_write ? relaxed.with_dirty() : relaxed);
  return FaultResult::kResolved;
}

void replace_page(const PtePlace& place, UserPte value) {
  if (seeded<Seeded::replace_in_section>()) {
    LazySection section(place.mm, place.table);
    return pte_replace_page(place, value);
  }
  TableLock lock(place.mm, place.table);
  seeded<Seeded::relax_to_copy>() ? pte_relax_access(place, value) : pte_replace_page(place, value);
}

FaultResult copy_on_write(const PtePlace& place, const Vma& area, UserPte old) {
  Page& page = page_of(old.frame());
  Page* copy = alloc_frame();
  if (copy == nullptr) {
    return FaultResult::kNoMemory;
  }
  memcpy(address_of(*copy), address_of(page), pvmmu::kPageSize);
  replace_page(place, UserPte::make(mfn_of(*copy), area.prot, true).with_dirty());
  notifier_invalidate_page(place.mm, place.address);
  frame_put(page);  // flushed: nobody reaches it through this address any more
  return FaultResult::kResolved;
}

// The page is there, but its entry permits less than its area does.
FaultResult widen(const PtePlace& place, const Vma& area, UserPte old, Access access) {
  if (!area.is_private()) {
    return relax(place, area, old, access);
  }
  OperationScope operation(guest_abi::Operation::kCow);
  return is_sole(page_of(old.frame())) ? relax(place, area, old, access)
                                       : copy_on_write(place, area, old);
}

Access access_of(uint64_t error_code) {
  constexpr uint64_t kWriteFault = 2;
  constexpr uint64_t kFetchFault = 16;
  if ((error_code & kWriteFault) != 0) {
    return Access::kWrite;
  }
  return (error_code & kFetchFault) != 0 ? Access::kExecute : Access::kRead;
}

// There is no table for the address yet. In mode best what makes it leaves with its first entry, at
// the end of that one's section; in the others before it.
FaultResult insert_with_table(Mm& mm, uint64_t address, const Vma& area, Access access,
                              bool by_process) {
  std::optional<CallBatch> together;
  if (options().mode == Mode::kBest) {
    together.emplace();
  }
  Page* table = make_l1_table(mm, address);
  return table != nullptr ? insert_entry({mm, *table, address}, area, access, by_process)
                          : FaultResult::kNoMemory;
}

}  // namespace

bool take_entry_for(const Vma& area, uint64_t address, bool for_write, UserPte& entry) {
  if (area.backing == Backing::kDevice) {
    pvmmu::Mfn frame(0);
    if (!device_frame(area.object_page_at(address), frame)) {
      return false;
    }
    entry = UserPte::make_special(frame, area.prot);
    return true;
  }
  Page* page = area.has_object() ? shared_object_page(*area.object, area.object_page_at(address))
                                 : alloc_zeroed_frame();
  if (page == nullptr) {
    return false;
  }
  if (area.has_object()) {
    frame_get(*page);
  }
  const bool is_file = area.backing == Backing::kFile;
  if (is_file && for_write) {
    mark_page_dirty(*page);
  }
  entry = UserPte::make(mfn_of(*page), area.prot, !is_file || for_write);
  return true;
}

bool take_from_swap(const Vma& area, UserPte entry, Access access, UserPte& fresh) {
  Page* page = swap_read(slot_of(entry));
  if (page == nullptr) {
    return false;
  }
  const bool is_write = access == Access::kWrite;
  fresh = UserPte::make(mfn_of(*page), area.prot, entry.exclusive() || is_write);
  fresh = is_write ? fresh.with_dirty() : fresh.with_accessed();
  return true;
}

FaultResult swap_in(const PtePlace& place, const Vma& area, UserPte entry, Access access,
                    bool by_process) {
  OperationScope operation(guest_abi::Operation::kSwap);
  UserPte fresh;
  if (!take_from_swap(area, entry, access, fresh)) {
    return FaultResult::kNoMemory;
  }
  establish(place, area, fresh, by_process);
  return FaultResult::kResolved;
}

FaultResult make_accessible(Mm& mm, uint64_t address, Access access, bool by_process) {
  address &= pvmmu::kPageMask;
  const Vma* area = mm.areas.find(address);
  if (area == nullptr || !may_access(*area, access)) {
    return FaultResult::kBad;
  }
  Page* table = find_l1_table(mm, address);
  if (table == nullptr) {
    return insert_with_table(mm, address, *area, access, by_process);
  }
  const PtePlace place{mm, *table, address};
  const UserPte entry = pte_read(place);
  if (permits(entry, access)) {
    return FaultResult::kSpurious;
  }
  if (entry.none()) {
    return insert_entry(place, *area, access, by_process);
  }
  return entry.swapped() ? swap_in(place, *area, entry, access, by_process)
                         : widen(place, *area, entry, access);
}

FaultResult handle_user_fault(Mm& mm, uint64_t address, uint64_t error_code) {
  if (address >= kUserLimit) {
    return FaultResult::kBad;
  }
  SpinlockGuard guard(mm.lock);
  if (ahead_covers(mm, address)) {
    ahead_settle(mm);  // it was prepared after the processor looked
  }
  FaultResult result = make_accessible(mm, address, access_of(error_code), true);
  if (result == FaultResult::kNoMemory && mm.ahead.table != nullptr) {
    ahead_settle(mm);
    result = make_accessible(mm, address, access_of(error_code), true);
  }
  if (result != FaultResult::kSpurious || mm.changes == mm.changes_at_spurious_fault) {
    return result;
  }
  // Another thread changed entries meanwhile, perhaps this one: no sign of a fault without end.
  mm.changes_at_spurious_fault = mm.changes;
  accounting_count(&guest_abi::GuestCounters::spurious_faults);
  return FaultResult::kResolved;
}

}  // namespace kernel
