// Mapping pages ahead of their use.
#include <optional>

#include "accounting.h"
#include "linux_errno.h"
#include "mm/ahead.h"
#include "mm/fault.h"
#include "mm/label_scope.h"
#include "mm/mm.h"
#include "mm/pv/accessors.h"
#include "mm/pv/lazy_section.h"
#include "mm/pv/tables.h"
#include "mm/range.h"
#include "options.h"
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

// What entries of one table will become, by ascending address. Pages are taken, and
// zeroed, before the table's lock: a lock is not held while memory is looked for.
class EntriesAhead {
 public:
  explicit EntriesAhead(Page& storage) : entries_(static_cast<UserPte*>(address_of(storage))) {}
  ~EntriesAhead() {
    while (any_left()) {
      const UserPte entry = next();
      if (entry.has_page()) {
        frame_put(page_of(entry.frame()));
      }
    }
  }
  EntriesAhead(const EntriesAhead&) = delete;
  EntriesAhead& operator=(const EntriesAhead&) = delete;

  void add(UserPte entry) { entries_[count_++] = entry; }
  bool any_left() const { return used_ < count_; }
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

// The same in one section, as far as memory goes.
bool bring_back_together(Mm& mm, const TableSpan& span, Page& storage) {
  const OperationScope operation(guest_abi::Operation::kSwap);
  EntriesAhead ahead(storage);
  const bool all =
      for_each_entry(mm, span, [&ahead](const PtePlace&, const Vma& area, UserPte entry) {
        UserPte fresh;
        if (!entry.swapped()) {
          return true;
        }
        if (!take_from_swap(area, entry, Access::kRead, fresh)) {
          return false;
        }
        ahead.add(fresh);
        return true;
      });
  if (!ahead.any_left()) {
    return all;
  }
  LazySection section(mm, *span.table);
  for_each_entry(mm, span, [&ahead](const PtePlace& place, const Vma&, UserPte entry) {
    if (entry.swapped()) {
      pte_establish(place, ahead.next());
    }
    return ahead.any_left();
  });
  return all;
}

// What is in the swap area comes back page by page, as if it were read; in mode best table by
// table.
bool bring_back(Mm& mm, const TableSpan& span, Page& storage) {
  if (options().mode == Mode::kBest) {
    return bring_back_together(mm, span, storage);
  }
  return for_each_entry(mm, span, [](const PtePlace& place, const Vma& area, UserPte entry) {
    return !entry.swapped() || swap_in(place, area, entry, Access::kRead) == FaultResult::kResolved;
  });
}

// The mm's lock keeps the empty entries empty in between.
bool fill_span(Mm& mm, const TableSpan& span, Page& storage, uint64_t phase) {
  if (!bring_back(mm, span, storage)) {
    return false;
  }
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
  if (!for_each_entry(mm, span, take)) {
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
