// The copy of an address space for a child process.
#include <string.h>

#include "mm/address_space.h"
#include "mm/ahead.h"
#include "mm/mm.h"
#include "mm/notifier.h"
#include "mm/pv/accessors.h"
#include "mm/pv/flush.h"
#include "mm/pv/lazy_section.h"
#include "mm/pv/tables.h"
#include "mm/shared_object.h"
#include "mm/swap_area.h"
#include "planted_bug.h"
#include "pte_rules/seeded.h"

namespace kernel {
namespace {

// Eager memory is copied where it can be written; what cannot be is shared.
bool copy_eager(const PtePlace& to, const Vma& area, UserPte old) {
  Page* copy = alloc_frame();
  if (copy == nullptr) {
    return false;
  }
  memcpy(address_of(*copy), address_of(page_of(old.frame())), pvmmu::kPageSize);
  pte_establish(to, UserPte::make(mfn_of(*copy), area.prot, true).with_dirty());
  return true;
}

// Both sides name the slot from now on, so neither has it to itself: whoever brings the page back
// finds it read-only, and the first write breaks copy-on-write. Nothing was present, nothing is
// flushed.
void share_slot(const PtePlace& from, const PtePlace& to, UserPte old) {
  swap_get(slot_of(old));
  if (old.exclusive()) {
    pte_establish(from, old.write_protected());
  }
  pte_establish(to, old.write_protected());
}

// Both sides of a private page are write-protected, so that the first write of either copies it.
// The child has not touched the page yet, and a shared page that it has not written is clean for
// it; of eager memory A and D stay set, so that its use disturbs no count.
void share_page(const PtePlace& from, const PtePlace& to, const Vma& area, UserPte old,
                FlushPromise& flush) {
  if (!old.special()) {
    frame_get(page_of(old.frame()));
  }
  if (!area.is_private() || area.eager) {
    pte_establish(to, area.eager ? old : old.without_accessed_dirty());
    return;
  }
  if (old.writable() || pte_rules::seeded<pte_rules::Seeded::write_protect_read_only>()) {
    if (!planted(PlantedBug::fork_one_side)) {
      pte_write_protect(from, old);
    }
    flush.add_page(from.address);
  }
  pte_establish(to, old.write_protected().without_accessed());
}

// False: no memory; what was copied so far is in both.
bool copy_span(Mm& parent, Mm& child, const Vma& area, const TableSpan& span, Page& child_table,
               FlushPromise& flush) {
  for (uint64_t address = span.start; address < span.end; address += pvmmu::kPageSize) {
    const PtePlace from{parent, *span.table, address};
    // Nobody else sees the child's tables yet: they need no lock.
    const PtePlace to{child, child_table, address};
    const UserPte old = pte_read(from);
    if (old.none()) {
      continue;
    }
    if (old.swapped()) {
      share_slot(from, to, old);
    } else if (area.eager && old.writable()) {
      if (!copy_eager(to, area, old)) {
        return false;
      }
    } else {
      share_page(from, to, area, old, flush);
    }
  }
  return true;
}

// A file's entries are left for faults to find: so the child has none that could write a page
// without the fault that marks it dirty, whatever writeback does meanwhile.
bool copy_area(Mm& parent, Mm& child, const Vma& area, FlushPromise& flush) {
  if (area.backing == Backing::kFile) {
    return true;
  }
  TableSpan span = next_l1_table(parent, area.start, area.end);
  while (span) {
    Page* child_table = make_l1_table(child, span.start);
    if (child_table == nullptr) {
      return false;
    }
    const TableSpan next = next_l1_table(parent, span.end, area.end);
    LazySection section(parent, *span.table);
    const bool copied = copy_span(parent, child, area, span, *child_table, flush);
    // The flush leaves with the last updates.
    if (!next && area.next == nullptr) {
      flush.pay();
    }
    if (!copied) {
      return false;
    }
    span = next;
  }
  return true;
}

bool copy_descriptor(Mm& child, const Vma& area) {
  if (area.has_object()) {
    shared_object_get(*area.object);
  }
  const bool inserted = child.areas.insert(area) != nullptr;
  if (!inserted && area.has_object()) {
    shared_object_put(*area.object);
  }
  return inserted;
}

bool copy_areas(Mm& parent, Mm& child) {
  FlushPromise flush(parent);
  const NotifierRange notifier(parent, 0, kUserLimit);
  bool copied = true;
  for (const Vma* area = parent.areas.first(); area != nullptr && copied; area = area->next) {
    copied = copy_descriptor(child, *area) && copy_area(parent, child, *area, flush);
  }
  flush.pay();
  return copied;
}

}  // namespace

Mm* mm_fork(Mm& parent) {
  Mm* child = mm_create();
  if (child == nullptr) {
    return nullptr;
  }
  SettledMm guard(parent);
  if (!copy_areas(parent, *child)) {
    mm_put(*child);
    return nullptr;
  }
  mm_publish(*child);
  return child;
}

}  // namespace kernel
