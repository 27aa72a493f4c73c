// Looking at entries, and at what the processor wrote into them.
#include <optional>

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
#include "pte_rules/seeded.h"

namespace kernel {
namespace {

// Calls visit(place) for each entry of existing tables in a range, table by table in lazy
// sections, before_table(span) ahead of each of them; pays the flush with the last.
template <typename Visit, typename BeforeTable>
void for_each_entry(Mm& mm, const Range& range, FlushPromise& flush, Visit visit,
                    BeforeTable before_table) {
  TableSpan span = next_l1_table(mm, range.start, range.end);
  while (span) {
    const TableSpan next = next_l1_table(mm, span.end, range.end);
    before_table(span);
    LazySection section(mm, *span.table);
    for (uint64_t address = span.start; address < span.end; address += pvmmu::kPageSize) {
      visit(PtePlace{mm, *span.table, address});
    }
    if (!next) {
      flush.pay();
    }
    span = next;
  }
}

template <typename Visit>
void for_each_entry(Mm& mm, const Range& range, FlushPromise& flush, Visit visit) {
  for_each_entry(mm, range, flush, visit, [](const TableSpan&) {});
}

// Whether the file's page for an address, mapped here or not, has to be written back.
bool page_is_dirty(const Mm& mm, uint64_t address) {
  const Vma* area = mm.areas.find(address);
  if (area == nullptr || area->backing != Backing::kFile) {
    return false;
  }
  const Page* page = shared_object_find_page(*area->object, area->object_page_at(address));
  return page != nullptr && is_page_dirty(*page);
}

}  // namespace

int64_t sys_pte_query(Mm& mm, uint64_t address) {
  if (address >= kUserLimit) {
    return -kEinval;
  }
  SettledMm guard(mm);
  const uint64_t page_state =
      page_is_dirty(mm, address) ? uint64_t{guest_abi::kPteStatePageDirty} : 0;
  Page* table = find_l1_table(mm, address);
  if (table == nullptr) {
    return static_cast<int64_t>(page_state);
  }
  TableLock lock(mm, *table);
  const UserPte entry = pte_read({mm, *table, address});
  const auto bit = [](bool set, uint64_t value) { return set ? value : uint64_t{0}; };
  uint64_t state = page_state | guest_abi::kPteStateTable;
  state |= bit(entry.present(), guest_abi::kPteStatePresent);
  state |= bit(entry.writable(), guest_abi::kPteStateWritable);
  state |= bit(entry.accessed(), guest_abi::kPteStateAccessed);
  state |= bit(entry.dirty(), guest_abi::kPteStateDirty);
  state |= bit(entry.swapped(), guest_abi::kPteStateSwapped);
  return static_cast<int64_t>(state);
}

int64_t sys_clear_refs(Mm& mm, uint64_t address, uint64_t length) {
  Range range;
  if (!range_from(address, length, range)) {
    return -kEinval;
  }
  SettledMm guard(mm);
  FlushPromise flush(mm);
  const NotifierRange notifier(mm, range.start, range.end);
  for_each_entry(mm, range, flush, [&flush](const PtePlace& place) {
    const UserPte old = pte_read(place);
    if (old.present() && (old.accessed() || old.dirty())) {
      pte_clear_accessed_dirty(place, old);
      if (pte_rules::seeded<pte_rules::Seeded::young_after_clean>()) {
        pte_test_and_clear_young(place);
      }
      flush.add_page(place.address);
    }
  });
  return 0;
}

int64_t sys_test_and_clear_young(Mm& mm, uint64_t address, uint64_t length) {
  Range range;
  if (!range_from(address, length, range)) {
    return -kEinval;
  }
  SettledMm guard(mm);
  FlushPromise flush(mm);
  int64_t young = 0;
  for_each_entry(mm, range, flush,
                 [](const PtePlace& place) { pte_prepare_young(place, pte_read(place)); });
  std::optional<SecondaryYoung> secondary;
  const auto harvest = [&](const PtePlace& place) {
    const bool by_process = pte_test_and_clear_young(place);
    if (by_process) {
      flush.add_page(place.address);
    }
    young += by_process || secondary->contains(place.address) ? 1 : 0;
  };
  for_each_entry(mm, range, flush, harvest,
                 [&](const TableSpan& span) { secondary.emplace(mm, span.start, span.end); });
  return young;
}

}  // namespace kernel
