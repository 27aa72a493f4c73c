#include "mm/zap.h"

#include "base/frame.h"
#include "mm/page_gather.h"
#include "mm/pv/accessors.h"
#include "mm/pv/flush.h"
#include "mm/pv/lazy_section.h"
#include "mm/pv/tables.h"

namespace kernel {
namespace {

// Empties entries of one table from span.start on; returns where it stopped: at span.end, or where
// there was no room for the page.
uint64_t zap_span(Mm& mm, const TableSpan& span, PageGather& gather, FlushPromise& flush) {
  for (uint64_t address = span.start; address < span.end; address += pvmmu::kPageSize) {
    const PtePlace place{mm, *span.table, address};
    const UserPte old = pte_read(place);
    if (!old.has_page()) {
      continue;
    }
    if (!gather.add(page_of(old.frame()))) {
      return address;
    }
    pte_zap(place);
    if (old.present()) {
      flush.add_page(address);
    }
  }
  return span.end;
}

}  // namespace

void zap_range(Mm& mm, uint64_t start, uint64_t end) {
  PageGather gather;
  FlushPromise flush(mm);
  TableSpan span = next_l1_table(mm, start, end);
  while (span) {
    uint64_t stopped;
    TableSpan next;
    {
      LazySection section(mm, *span.table);
      stopped = zap_span(mm, span, gather, flush);
      next = next_l1_table(mm, stopped, end);
      // The flush leaves with the last updates.
      if (!next || stopped != span.end) {
        flush.pay();
      }
    }
    if (stopped != span.end) {
      gather.release();
    }
    span = next;
  }
  gather.release();
}

void zap_whole_mm(Mm& mm) {
  for (TableSpan span = next_l1_table(mm, 0, kUserLimit); span;
       span = next_l1_table(mm, span.end, kUserLimit)) {
    for (uint64_t address = span.start; address < span.end; address += pvmmu::kPageSize) {
      const PtePlace place{mm, *span.table, address};
      const UserPte old = pte_read(place);
      if (old.has_page()) {
        pte_zap(place);
        frame_put(page_of(old.frame()));
      }
    }
  }
}

}  // namespace kernel
