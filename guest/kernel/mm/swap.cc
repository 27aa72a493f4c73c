// Pages of private memory go to the swap area. Back they come by faults (fault.cc).
//
// Two steps for each table: first the entries are hidden and flushed, so that no processor writes
// the pages any more and A and D stand still; then each page is copied to a slot, and its entry
// says which. Where the area has no room the entry becomes what it was.
#include "linux_errno.h"
#include "mm/ahead.h"
#include "mm/mm.h"
#include "mm/notifier.h"
#include "mm/pv/accessors.h"
#include "mm/pv/flush.h"
#include "mm/pv/lazy_section.h"
#include "mm/pv/tables.h"
#include "mm/range.h"
#include "mm/swap_area.h"
#include "pte_rules/seeded.h"

namespace kernel {
namespace {

using pte_rules::Seeded;
using pte_rules::seeded;

// Nobody knows who else maps a page, so only those go that nobody else does.
bool may_go(UserPte entry) {
  const bool may_be_hidden = entry.present() || seeded<Seeded::hide_blocked>();
  return may_be_hidden && entry.has_page() && is_sole(page_of(entry.frame()));
}

// False if nothing was hidden.
bool hide_pages(Mm& mm, const TableSpan& span) {
  FlushPromise flush(mm);
  LazySection section(mm, *span.table);
  for (uint64_t address = span.start; address < span.end; address += pvmmu::kPageSize) {
    const PtePlace place{mm, *span.table, address};
    const UserPte entry = pte_read(place);
    if (may_go(entry)) {
      pte_hide(place, entry);
      if (seeded<Seeded::hide_then_show>()) {
        pte_establish(place, entry);
      }
      flush.add_page(address);
    }
  }
  const bool any = flush.owed();
  flush.pay();  // leaves with the last updates
  return any;
}

void swap_hidden_pages(Mm& mm, const TableSpan& span) {
  LazySection section(mm, *span.table);
  for (uint64_t address = span.start; address < span.end; address += pvmmu::kPageSize) {
    const PtePlace place{mm, *span.table, address};
    const UserPte entry = pte_read(place);
    if (!entry.hidden()) {
      continue;
    }
    Page& page = page_of(entry.frame());
    const Page* slot = swap_write(page);
    if (slot == nullptr) {
      pte_establish(place, entry.to_present());
      continue;
    }
    pte_establish(place, UserPte::make_swapped(pfn_of(*slot), true));
    frame_put(page);  // flushed when it was hidden
  }
}

void swap_out_area(Mm& mm, uint64_t start, uint64_t end) {
  const NotifierRange notifier(mm, start, end);
  for (TableSpan span = next_l1_table(mm, start, end); span;
       span = next_l1_table(mm, span.end, end)) {
    if (hide_pages(mm, span) && !seeded<Seeded::hidden_left_over>()) {
      swap_hidden_pages(mm, span);
    }
  }
}

}  // namespace

int64_t sys_swap_out(Mm& mm, uint64_t address, uint64_t length) {
  Range range;
  if (!range_from(address, length, range)) {
    return -kEinval;
  }
  SettledMm guard(mm);
  for (const Vma* area = mm.areas.find_end_above(range.start);
       area != nullptr && area->start < range.end; area = area->next) {
    if (area->is_private() && !area->eager) {
      swap_out_area(mm, area->start > range.start ? area->start : range.start,
                    area->end < range.end ? area->end : range.end);
    }
  }
  return mm.areas.is_covered(range.start, range.end) ? 0 : -kEnomem;
}

}  // namespace kernel
