// Writing files back: their dirty pages become clean, wherever they are mapped.
//
// First the pages become clean, then every entry that could write one of them becomes read-only and
// clean. A write in between goes to a page that is still to be written back; one after it faults
// and marks the page dirty again. An entry made meanwhile, in whatever process, is made by a fault
// that marks the page as well.
#include "linux_errno.h"
#include "mm/ahead.h"
#include "mm/mm.h"
#include "mm/notifier.h"
#include "mm/pv/accessors.h"
#include "mm/pv/flush.h"
#include "mm/pv/lazy_section.h"
#include "mm/pv/tables.h"
#include "mm/range.h"
#include "mm/shared_object.h"
#include "planted_bug.h"
#include "pte_rules/seeded.h"

namespace kernel {
namespace {

// Pages [first, end) of a file, with a reference of it.
struct FilePart {
  SharedObject* file = nullptr;
  uint64_t first = 0;
  uint64_t end = 0;
};

void clean_entries(Mm& mm, const Range& range, FlushPromise& flush) {
  for (TableSpan span = next_l1_table(mm, range.start, range.end); span;
       span = next_l1_table(mm, span.end, range.end)) {
    LazySection section(mm, *span.table);
    for (uint64_t address = span.start; address < span.end; address += pvmmu::kPageSize) {
      const PtePlace place{mm, *span.table, address};
      const UserPte entry = pte_read(place);
      // One that PROT_NONE keeps the process out of comes back with what it says now.
      if (entry.blocked() && entry.dirty()) {
        pte_establish(place, entry.cleaned());
      }
      if (entry.present() && (entry.writable() || entry.dirty()) &&
          !planted(PlantedBug::writeback_leaves_writable)) {
        if (pte_rules::seeded<pte_rules::Seeded::flush_before_change>()) {
          flush.add_page(address);
          flush.pay();
          pte_clean(place, entry);
          continue;
        }
        pte_clean(place, entry);
        flush.add_page(address);
      }
    }
    if (span.end == range.end) {
      flush.pay();  // leaves with the last updates
    }
  }
}

// Where an area maps pages of the part; empty if it does not.
Range mapped_part(const Vma& area, const FilePart& part) {
  if (area.object != part.file) {
    return {};
  }
  const uint64_t pages = (area.end - area.start) / pvmmu::kPageSize;
  const uint64_t first = part.first > area.object_page ? part.first : area.object_page;
  const uint64_t area_end = area.object_page + pages;
  const uint64_t end = part.end < area_end ? part.end : area_end;
  if (first >= end) {
    return {};
  }
  const auto address_of_page = [&area](uint64_t number) {
    return area.start + (number - area.object_page) * pvmmu::kPageSize;
  };
  return {address_of_page(first), address_of_page(end)};
}

void clean_address_space(Mm& mm, const FilePart& part) {
  SettledMm guard(mm);
  for (const Vma* area = mm.areas.first(); area != nullptr; area = area->next) {
    const Range range = mapped_part(*area, part);
    if (!range.empty()) {
      FlushPromise flush(mm);
      const NotifierRange notifier(mm, range.start, range.end);
      clean_entries(mm, range, flush);
      flush.pay();
    }
  }
}

// The first part of a file that is mapped in [from, range.end); `from` becomes the address behind
// it. False: there is none.
bool next_part(Mm& mm, uint64_t& from, const Range& range, FilePart& part) {
  SettledMm guard(mm);
  for (const Vma* area = mm.areas.find_end_above(from); area != nullptr && area->start < range.end;
       area = area->next) {
    if (area->backing != Backing::kFile) {
      continue;
    }
    const uint64_t start = area->start > from ? area->start : from;
    const uint64_t end = area->end < range.end ? area->end : range.end;
    shared_object_get(*area->object);
    const uint64_t first = area->object_page_at(start);
    part = {area->object, first, first + (end - start) / pvmmu::kPageSize};
    from = end;
    return true;
  }
  return false;
}

void write_back(const FilePart& part) {
  if (shared_object_take_dirty(*part.file, part.first, part.end) == 0) {
    return;  // then no entry can write them either
  }
  for (Mm* mm = mm_next(nullptr); mm != nullptr; mm = mm_next(mm)) {
    clean_address_space(*mm, part);
  }
}

}  // namespace

int64_t sys_writeback(Mm& mm, uint64_t address, uint64_t length) {
  Range range;
  if (!range_from(address, length, range)) {
    return -kEinval;
  }
  FilePart part;
  for (uint64_t from = range.start; from < range.end && next_part(mm, from, range, part);) {
    write_back(part);
    shared_object_put(*part.file);
  }
  SettledMm guard(mm);
  return mm.areas.is_covered(range.start, range.end) ? 0 : -kEnomem;
}

}  // namespace kernel
