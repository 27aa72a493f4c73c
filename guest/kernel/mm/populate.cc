// Mapping pages ahead of their use.
#include "mm/fault.h"
#include "mm/label_scope.h"
#include "mm/linux_errno.h"
#include "mm/mm.h"
#include "mm/pv/accessors.h"
#include "mm/pv/lazy_section.h"
#include "mm/pv/tables.h"
#include "mm/range.h"

namespace kernel {
namespace {

bool make_tables(Mm& mm, const Range& range) {
  constexpr uint64_t kTableSpan = uint64_t{1} << pvmmu::level_shift(pvmmu::PtLevel::kL2);
  for (uint64_t address = range.start & ~(kTableSpan - 1); address < range.end;
       address += kTableSpan) {
    if (make_l1_table(mm, address) == nullptr) {
      return false;
    }
  }
  return true;
}

// Nothing was accessed yet: A and D stay clear.
bool fill_span(Mm& mm, const TableSpan& span) {
  const Vma* area = mm.areas.find(span.start);
  for (uint64_t address = span.start; address < span.end; address += pvmmu::kPageSize) {
    if (!area->contains(address)) {
      area = area->next;
    }
    const PtePlace place{mm, *span.table, address};
    if (pte_read(place).has_page()) {
      continue;
    }
    Page* page = take_page_for(*area, address);
    if (page == nullptr) {
      return false;
    }
    pte_establish(place, UserPte::make(mfn_of(*page), area->prot, true));
  }
  return true;
}

// False if an area in the range may not be read.
bool all_accessible(const Mm& mm, const Range& range) {
  for (const Vma* area = mm.areas.find_end_above(range.start);
       area != nullptr && area->start < range.end; area = area->next) {
    if (area->prot == 0) {
      return false;
    }
  }
  return true;
}

}  // namespace

int64_t sys_populate(Mm& mm, uint64_t address, uint64_t length, uint64_t phase) {
  Range range;
  if (!range_from(address, length, range) || phase >= guest_abi::kMaxPhases) {
    return -kEinval;
  }
  SpinlockGuard guard(mm.lock);
  if (!mm.areas.is_covered(range.start, range.end)) {
    return -kEnomem;
  }
  if (!all_accessible(mm, range)) {
    return -kEinval;
  }
  if (!make_tables(mm, range)) {
    return -kEnomem;
  }
  for (TableSpan span = next_l1_table(mm, range.start, range.end); span;
       span = next_l1_table(mm, span.end, range.end)) {
    const LabelScope label(phase);
    LazySection section(mm, *span.table);
    if (!fill_span(mm, span)) {
      return -kEnomem;
    }
  }
  return 0;
}

}  // namespace kernel
