#include "mm/user_page.h"

#include "mm/ahead.h"
#include "mm/pv/accessors.h"
#include "mm/pv/table_lock.h"
#include "mm/pv/tables.h"
#include "pte_rules/seeded.h"

namespace kernel {

FaultResult find_accessible(Mm& mm, uint64_t address, Access access, UserPte& entry) {
  const FaultResult result = make_accessible(mm, address, access);
  if (result != FaultResult::kResolved && result != FaultResult::kSpurious) {
    return result;
  }
  const PtePlace place{mm, *find_l1_table(mm, address), address & pvmmu::kPageMask};
  entry = pte_read(place);
  if (access == Access::kWrite && !entry.dirty()) {
    TableLock lock(mm, place.table);
    const UserPte dirty = entry.with_dirty();
    const bool wrong = pte_rules::seeded<pte_rules::Seeded::relax_drops_accessed>();
    pte_relax_access(place, wrong ? dirty.without_accessed() : dirty);
  }
  return FaultResult::kResolved;
}

FaultResult get_user_page(Mm& mm, uint64_t address, Access access, Page*& page) {
  if (address >= kUserLimit) {
    return FaultResult::kBad;
  }
  SettledMm guard(mm);
  const Vma* area = mm.areas.find(address);
  if (area == nullptr || area->backing == Backing::kDevice) {
    return FaultResult::kBad;
  }
  UserPte entry;
  const FaultResult result = find_accessible(mm, address, access, entry);
  if (result != FaultResult::kResolved) {
    return result;
  }
  page = &page_of(entry.frame());
  frame_get(*page);
  return FaultResult::kResolved;
}

}  // namespace kernel
