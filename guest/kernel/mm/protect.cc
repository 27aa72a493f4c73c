// mprotect, and the version of it that is wrong on purpose.
#include "linux_errno.h"
#include "mm/ahead.h"
#include "mm/mm.h"
#include "mm/notifier.h"
#include "mm/pv/accessors.h"
#include "mm/pv/flush.h"
#include "mm/pv/lazy_section.h"
#include "mm/pv/tables.h"
#include "mm/range.h"
#include "planted_bug.h"
#include "pte_rules/seeded_protect.h"

namespace kernel {
namespace {

enum class Method : uint8_t { kModification, kNaive };

constexpr uint64_t kProtBits = guest_abi::kProtRead | guest_abi::kProtWrite | guest_abi::kProtExec;

// Whether the write right may stand in the entry now. A private page that others map too must stay
// read-only, because its next write copies it; a clean page of a file, because it marks it dirty.
bool may_be_writable(const Vma& area, UserPte seen) {
  switch (area.backing) {
    case Backing::kPrivate:
      return is_sole(page_of(seen.frame())) || planted(PlantedBug::protect_ignores_sharing);
    case Backing::kFile:
      return seen.dirty();
    default:
      return true;
  }
}

// A page in the swap area comes back with the rights that its area has then; all that the entry
// says is whether it may come back writable.
void protect_swapped(const PtePlace& place, const Vma& area, UserPte seen) {
  if (seen.exclusive() && !area.writable()) {
    pte_establish(place, seen.write_protected());
  }
}

void protect_page(const PtePlace& place, const Vma& area, Method method, FlushPromise& flush) {
  const UserPte seen = pte_read(place);
  if (seen.none()) {
    return;
  }
  if (seen.swapped()) {
    return protect_swapped(place, area, seen);
  }
  const bool may_write = may_be_writable(area, seen);
  if (seen.with_rights(area.prot, may_write) == seen) {
    return;
  }
  if (method == Method::kNaive) {
    pte_modify_naive(place, seen.with_rights(area.prot, may_write));
  } else if (!pte_rules::change_wrongly(place, area.prot, may_write)) {
    PteModification modification(place);
    modification.commit(modification.old().with_rights(area.prot, may_write));
  }
  if (seen.present() && !pte_rules::seeded<pte_rules::Seeded::protect_unflushed>()) {
    flush.add_page(place.address);
  }
}

// Gives the entries in the part of an area the rights of the area. `last`: nothing follows in this
// system call.
void protect_entries(Mm& mm, const Vma& area, bool last, Method method, FlushPromise& flush) {
  TableSpan span = next_l1_table(mm, area.start, area.end);
  while (span) {
    const TableSpan next = next_l1_table(mm, span.end, area.end);
    LazySection section(mm, *span.table);
    for (uint64_t address = span.start; address < span.end; address += pvmmu::kPageSize) {
      protect_page({mm, *span.table, address}, area, method, flush);
    }
    if (last && !next) {
      flush.pay();  // leaves with the last updates
    }
    span = next;
  }
}

int64_t protect(Mm& mm, uint64_t address, uint64_t length, uint64_t prot, Method method) {
  Range range;
  if ((prot & ~kProtBits) != 0 || (address & ~pvmmu::kPageMask) != 0) {
    return -kEinval;
  }
  if (!range_from(address, length, range)) {
    return -kEnomem;
  }
  if (range.empty()) {
    return 0;
  }
  SettledMm guard(mm);
  if (!mm.areas.split_at_ends(range.start, range.end)) {
    mm.areas.merge(range.start, range.end);
    return -kEnomem;
  }
  FlushPromise flush(mm);
  const NotifierRange notifier(mm, range.start, range.end);
  uint64_t reached = range.start;
  Vma* area = mm.areas.find_end_above(range.start);
  // As far as areas go without a hole, as Linux does it.
  for (; area != nullptr && area->start == reached && reached < range.end; area = area->next) {
    area->prot = prot;
    reached = area->end;
    protect_entries(mm, *area, reached >= range.end, method, flush);
  }
  flush.pay();
  mm.areas.merge(range.start, range.end);
  return reached >= range.end ? 0 : -kEnomem;
}

}  // namespace

int64_t sys_mprotect(Mm& mm, uint64_t address, uint64_t length, uint64_t prot) {
  return protect(mm, address, length, prot, Method::kModification);
}

int64_t sys_mprotect_naive(Mm& mm, uint64_t address, uint64_t length, uint64_t prot) {
  return protect(mm, address, length, prot, Method::kNaive);
}

}  // namespace kernel
