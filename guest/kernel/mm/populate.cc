// Mapping pages ahead of their use.
#include <optional>

#include "linux_errno.h"
#include "mm/ahead.h"
#include "mm/fault.h"
#include "mm/label_scope.h"
#include "mm/mm.h"
#include "mm/pv/accessors.h"
#include "mm/pv/lazy_section.h"
#include "mm/pv/tables.h"
#include "mm/range.h"
#include "pte_rules/seeded.h"

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

// What the empty entries of one table will become, by ascending address. Pages are taken, and
// zeroed, before the table's lock: a lock is not held while memory is looked for.
class EntriesAhead {
 public:
  explicit EntriesAhead(Page& storage) : entries_(static_cast<UserPte*>(address_of(storage))) {}
  ~EntriesAhead() {
    while (used_ < count_) {
      const UserPte entry = entries_[used_++];
      if (entry.has_page()) {
        frame_put(page_of(entry.frame()));
      }
    }
  }
  EntriesAhead(const EntriesAhead&) = delete;
  EntriesAhead& operator=(const EntriesAhead&) = delete;

  void add(UserPte entry) { entries_[count_++] = entry; }
  UserPte next() { return entries_[used_++]; }

 private:
  UserPte* entries_;  // a table's entries fill a frame
  unsigned count_ = 0;
  unsigned used_ = 0;
};

static_assert(pvmmu::kEntriesPerTable * sizeof(UserPte) <= pvmmu::kPageSize);

// Calls visit(place, area, entry) for each entry of the span, until it returns false.
template <typename Visit>
bool for_each_entry(Mm& mm, const TableSpan& span, Visit visit) {
  const Vma* area = mm.areas.find(span.start);
  for (uint64_t address = span.start; address < span.end; address += pvmmu::kPageSize) {
    if (!area->contains(address)) {
      area = area->next;
    }
    const PtePlace place{mm, *span.table, address};
    if (!visit(place, *area, pte_read(place))) {
      return false;
    }
  }
  return true;
}

// What is in the swap area comes back page by page, as if it were read.
bool bring_back(Mm& mm, const TableSpan& span) {
  return for_each_entry(mm, span, [](const PtePlace& place, const Vma& area, UserPte entry) {
    return !entry.swapped() || swap_in(place, area, entry, Access::kRead) == FaultResult::kResolved;
  });
}

// The mm's lock keeps the empty entries empty in between.
bool fill_span(Mm& mm, const TableSpan& span, Page& storage, uint64_t phase) {
  EntriesAhead ahead(storage);
  const auto take = [&ahead](const PtePlace& place, const Vma& area, UserPte entry) {
    UserPte fresh;
    if (!entry.none()) {
      return true;
    }
    if (!take_entry_for(area, place.address, false, fresh)) {
      return false;
    }
    ahead.add(fresh);
    return true;
  };
  if (!bring_back(mm, span) || !for_each_entry(mm, span, take)) {
    return false;
  }
  const LabelScope label(phase);
  LazySection section(mm, *span.table);
  // Nothing was accessed yet: A and D stay clear.
  return for_each_entry(mm, span, [&ahead](const PtePlace& place, const Vma&, UserPte entry) {
    if (entry.none()) {
      std::optional<LazyMode> inner;
      if (pte_rules::seeded<pte_rules::Seeded::lazy_in_lazy>()) {
        inner.emplace();
      }
      pte_establish(place, ahead.next());
    }
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
  SettledMm guard(mm);
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
