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

// The pages that the absent entries of one table will get, by ascending address. Taken, and zeroed,
// before the table's lock: a lock is not held while memory is looked for.
class PagesAhead {
 public:
  explicit PagesAhead(Page& storage) : pages_(static_cast<Page**>(address_of(storage))) {}
  ~PagesAhead() {
    while (used_ < count_) {
      frame_put(*pages_[used_++]);
    }
  }
  PagesAhead(const PagesAhead&) = delete;
  PagesAhead& operator=(const PagesAhead&) = delete;

  void add(Page& page) { pages_[count_++] = &page; }
  Page& next() { return *pages_[used_++]; }

 private:
  Page** pages_;  // a table has no more entries than a frame has room for pointers
  unsigned count_ = 0;
  unsigned used_ = 0;
};

static_assert(pvmmu::kEntriesPerTable * sizeof(Page*) <= pvmmu::kPageSize);

// Calls visit(place, area) for each entry of the span that has no page, until it returns false.
template <typename Visit>
bool for_each_absent(Mm& mm, const TableSpan& span, Visit visit) {
  const Vma* area = mm.areas.find(span.start);
  for (uint64_t address = span.start; address < span.end; address += pvmmu::kPageSize) {
    if (!area->contains(address)) {
      area = area->next;
    }
    const PtePlace place{mm, *span.table, address};
    if (!pte_read(place).has_page() && !visit(place, *area)) {
      return false;
    }
  }
  return true;
}

// The mm's lock keeps the absent entries absent in between.
bool fill_span(Mm& mm, const TableSpan& span, Page& storage, uint64_t phase) {
  PagesAhead ahead(storage);
  const bool taken = for_each_absent(mm, span, [&ahead](const PtePlace& place, const Vma& area) {
    Page* page = take_page_for(area, place.address);
    if (page != nullptr) {
      ahead.add(*page);
    }
    return page != nullptr;
  });
  if (!taken) {
    return false;
  }
  const LabelScope label(phase);
  LazySection section(mm, *span.table);
  // Nothing was accessed yet: A and D stay clear.
  return for_each_absent(mm, span, [&ahead](const PtePlace& place, const Vma& area) {
    pte_establish(place, UserPte::make(mfn_of(ahead.next()), area.prot, true));
    return true;
  });
}

bool fill_spans(Mm& mm, const Range& range, uint64_t phase) {
  Page* storage = alloc_frame();
  if (storage == nullptr) {
    return false;
  }
  bool filled = true;
  for (TableSpan span = next_l1_table(mm, range.start, range.end); span && filled;
       span = next_l1_table(mm, span.end, range.end)) {
    filled = fill_span(mm, span, *storage, phase);
  }
  free_frame(*storage);
  return filled;
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
  if (!make_tables(mm, range) || !fill_spans(mm, range, phase)) {
    return -kEnomem;
  }
  return 0;
}

}  // namespace kernel
