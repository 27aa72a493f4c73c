#include "mm/fault.h"

#include <string.h>

#include "accounting.h"
#include "mm/pv/accessors.h"
#include "mm/pv/table_lock.h"
#include "mm/pv/tables.h"
#include "mm/shared_object.h"

namespace kernel {
namespace {

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

FaultResult insert_page(const PtePlace& place, Vma& area, Access access) {
  Page* page = take_page_for(area, place.address);
  if (page == nullptr) {
    return FaultResult::kNoMemory;
  }
  const UserPte fresh = UserPte::make(mfn_of(*page), area.prot, true).with_accessed();
  TableLock lock(place.mm, place.table);
  pte_establish(place, access == Access::kWrite ? fresh.with_dirty() : fresh);
  return FaultResult::kResolved;
}

// A write to a page of private memory that is mapped read-only: the page is reused if this is
// its only mapping, else copied.
FaultResult break_cow(const PtePlace& place, const Vma& area, UserPte old) {
  OperationScope operation(guest_abi::Operation::kCow);
  Page& page = page_of(old.frame());
  if (area.shared() || is_sole(page)) {
    TableLock lock(place.mm, place.table);
    pte_replace_and_flush(place, old.with_rights(area.prot, true).with_dirty());
    return FaultResult::kResolved;
  }
  Page* copy = alloc_frame();
  if (copy == nullptr) {
    return FaultResult::kNoMemory;
  }
  memcpy(address_of(*copy), address_of(page), pvmmu::kPageSize);
  {
    TableLock lock(place.mm, place.table);
    pte_replace_and_flush(place, UserPte::make(mfn_of(*copy), area.prot, true).with_dirty());
  }
  frame_put(page);  // flushed: nobody reaches it through this address any more
  return FaultResult::kResolved;
}

Access access_of(uint64_t error_code) {
  constexpr uint64_t kWriteFault = 2;
  constexpr uint64_t kFetchFault = 16;
  if ((error_code & kWriteFault) != 0) {
    return Access::kWrite;
  }
  return (error_code & kFetchFault) != 0 ? Access::kExecute : Access::kRead;
}

}  // namespace

Page* take_page_for(const Vma& area, uint64_t address) {
  if (!area.shared()) {
    return alloc_zeroed_frame();
  }
  Page* page = shared_object_page(*area.object, area.object_page_at(address));
  if (page != nullptr) {
    frame_get(*page);
  }
  return page;
}

FaultResult make_accessible(Mm& mm, uint64_t address, Access access) {
  address &= pvmmu::kPageMask;
  Vma* area = mm.areas.find(address);
  if (area == nullptr || !may_access(*area, access)) {
    return FaultResult::kBad;
  }
  Page* table = make_l1_table(mm, address);
  if (table == nullptr) {
    return FaultResult::kNoMemory;
  }
  const PtePlace place{mm, *table, address};
  const UserPte entry = pte_read(place);
  if (permits(entry, access)) {
    return FaultResult::kSpurious;
  }
  if (!entry.has_page()) {
    return insert_page(place, *area, access);
  }
  return break_cow(place, *area, entry);
}

FaultResult handle_user_fault(Mm& mm, uint64_t address, uint64_t error_code) {
  if (address >= kUserLimit) {
    return FaultResult::kBad;
  }
  SpinlockGuard guard(mm.lock);
  const FaultResult result = make_accessible(mm, address, access_of(error_code));
  if (result != FaultResult::kSpurious || mm.changes == mm.changes_at_spurious_fault) {
    return result;
  }
  // Another thread changed entries meanwhile, perhaps this one: no sign of a fault without end.
  mm.changes_at_spurious_fault = mm.changes;
  accounting_count(&guest_abi::GuestCounters::spurious_faults);
  return FaultResult::kResolved;
}

}  // namespace kernel
