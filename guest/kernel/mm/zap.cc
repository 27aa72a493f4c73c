#include "mm/zap.h"

#include "base/frame.h"
#include "mm/notifier.h"
#include "mm/page_gather.h"
#include "mm/pv/accessors.h"
#include "mm/pv/call_batch.h"
#include "mm/pv/flush.h"
#include "mm/pv/lazy_section.h"
#include "mm/pv/tables.h"
#include "mm/swap_area.h"
#include "options.h"
#include "planted_bug.h"
#include "pte_rules/seeded.h"

namespace kernel {
namespace {

using pte_rules::Seeded;
using pte_rules::seeded;

// Empties one entry and gives back what it named. False: there was no room for the page.
bool zap_entry(const PtePlace& place, UserPte old, PageGather& gather, FlushPromise& flush) {
  if (old.has_page() && !gather.add(page_of(old.frame()))) {
    return false;
  }
  if (planted(PlantedBug::flush_early) && old.present()) {
    CallBatch batch;
    batch.flush_page(place.mm, place.address);
  }
  pte_zap(place);
  if (seeded<Seeded::zap_then_read>()) {
    pte_read(place);
  }
  if (seeded<Seeded::refill_in_section>() && old.present() && old.has_page()) {
    frame_get(page_of(old.frame()));
    pte_establish(place, old);
  }
  if (old.swapped()) {
    swap_put(slot_of(old));
  }
  if (old.present() && !seeded<Seeded::zap_unflushed>() && !planted(PlantedBug::flush_early)) {
    flush.add_page(place.address);
  }
  return true;
}

// Empties entries of one table from span.start on; returns where it stopped: at span.end, or where
// there was no room for the page.
uint64_t zap_span(Mm& mm, const TableSpan& span, PageGather& gather, FlushPromise& flush) {
  for (uint64_t address = span.start; address < span.end; address += pvmmu::kPageSize) {
    const PtePlace place{mm, *span.table, address};
    const UserPte old = pte_read(place);
    if (!old.none() && !zap_entry(place, old, gather, flush)) {
      return address;
    }
  }
  return span.end;
}

// With `together`, tables are unlinked with the last updates. True if that was so.
bool zap(Mm& mm, uint64_t start, uint64_t end, UnusedTables* together) {
  bool unlinked = false;
  PageGather gather;
  FlushPromise flush(mm);
  const NotifierRange notifier(mm, start, end);
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
      if (!next && together != nullptr) {
        together->unlink(start, end);
        unlinked = true;
      }
    }
    if (stopped != span.end) {
      gather.release();
    }
    span = next;
  }
  gather.release();
  return unlinked;
}

}  // namespace

void zap_range(Mm& mm, uint64_t start, uint64_t end) {
  zap(mm, start, end, nullptr);
}

void zap_range_and_tables(Mm& mm, uint64_t start, uint64_t end, UnusedTables& unused) {
  if (!zap(mm, start, end, options().mode == Mode::kBest ? &unused : nullptr)) {
    unused.unlink(start, end);
  }
}

void zap_whole_mm(Mm& mm) {
  for (TableSpan span = next_l1_table(mm, 0, kUserLimit); span;
       span = next_l1_table(mm, span.end, kUserLimit)) {
    for (uint64_t address = span.start; address < span.end; address += pvmmu::kPageSize) {
      const PtePlace place{mm, *span.table, address};
      const UserPte old = pte_read(place);
      if (old.none()) {
        continue;
      }
      pte_zap(place);
      if (old.swapped()) {
        swap_put(slot_of(old));
      } else if (old.has_page()) {
        frame_put(page_of(old.frame()));
      }
    }
  }
}

}  // namespace kernel
