// Promotion and demotion of whole tables.
//
// Promotion reads the table once and takes the reference of every present entry. If one is refused,
// those taken so far go back and nothing has changed. Only when all are taken are the entries
// stored as they must be (USER, the hypervisor's slots): that part cannot fail. Nobody writes the
// table meanwhile: its type is set already, and the flush that the change of type owed is complete.
//
// Demotion gives the references back. The entries stay in memory as data, except the hypervisor's.
#include "descriptor.h"
#include "entry_bits.h"
#include "pvmmu/type_keeper.h"

namespace pvmmu {

Errno TypeKeeper::validate(Call& call, Mfn frame, PageType type) {
  ++depth_;
  const Errno error = validate_contents(call, frame, type);
  --depth_;
  if (error != Errno::kOk) {
    // Whoever promotes this table fails too, so everything pending goes with it.
    pending_ = kInvalidMfn;
    ++call.counters.failed_promotions;
    return error;
  }
  frames_.at(frame).validated = true;
  ++call.counters.promotions;
  if (depth_ == 0) commit_pending();
  return Errno::kOk;
}

Errno TypeKeeper::validate_contents(Call& call, Mfn frame, PageType type) {
  if (is_table(type)) platform_.frame_becomes_table(frame);
  switch (type) {
    case PageType::kL1:
      return validate_table<PtLevel::kL1>(call, frame);
    case PageType::kL2:
      return validate_table<PtLevel::kL2>(call, frame);
    case PageType::kL3:
      return validate_table<PtLevel::kL3>(call, frame);
    case PageType::kL4:
      return validate_table<PtLevel::kL4>(call, frame);
    case PageType::kSegDesc:
      return validate_descriptors(call, frame);
    case PageType::kNone:
    case PageType::kWritable:
      break;  // neither is validated
  }
  return refuse(call, Rule::kOneType, Errno::kEINVAL, "the type needs no validation", frame);
}

template <PtLevel L>
Errno TypeKeeper::validate_table(Call& call, Mfn table) {
  bool as_stored = true;
  for (unsigned slot = 0; slot < kEntriesPerTable; ++slot) {
    if (is_hypervisor_slot(L, slot)) continue;
    const Pte<L> entry(platform_.read_entry(table, slot));
    if (!entry.present()) continue;
    ++call.counters.entries_validated;
    const Errno error = get_from_entry(call, entry, table, slot);
    if (error != Errno::kOk) {
      drop_entries<L>(call.counters, table, slot);
      return error;
    }
    as_stored = as_stored && adjusted_entry(entry) == entry;
  }
  if (!as_stored || L == PtLevel::kL4) remember_to_commit(table);
  frames_.at(table).validated_entries = kEntriesPerTable;
  return Errno::kOk;
}

void TypeKeeper::remember_to_commit(Mfn table) {
  // Frame numbers fit: the frame table would not fit in memory otherwise.
  frames_.at(table).next_pending = static_cast<uint32_t>(pending_.raw());
  pending_ = table;
}

void TypeKeeper::commit_pending() {
  while (frames_.contains(pending_)) {
    const Mfn table = pending_;
    const PageInfo& page = frames_.at(table);
    pending_ = Mfn(page.next_pending);
    switch (table_level(page.type)) {
      case PtLevel::kL1:
        commit_table<PtLevel::kL1>(table);
        break;
      case PtLevel::kL2:
        commit_table<PtLevel::kL2>(table);
        break;
      case PtLevel::kL3:
        commit_table<PtLevel::kL3>(table);
        break;
      case PtLevel::kL4:
        commit_table<PtLevel::kL4>(table);
        fill_hypervisor_slots(table);
        break;
    }
  }
  pending_ = kInvalidMfn;
}

// Stores the entries of a validated table as they must be.
template <PtLevel L>
void TypeKeeper::commit_table(Mfn table) {
  for (unsigned slot = 0; slot < kEntriesPerTable; ++slot) {
    if (is_hypervisor_slot(L, slot)) continue;
    const Pte<L> entry(platform_.read_entry(table, slot));
    const Pte<L> adjusted = adjusted_entry(entry);
    if (adjusted != entry) store_entry(table, slot, adjusted.raw());
  }
}

void TypeKeeper::tear_down(MmuCounters& counters, Mfn frame, PageType type) {
  PageInfo& page = frames_.at(frame);
  page.validated = false;
  page.validated_entries = 0;
  ++counters.demotions;
  switch (type) {
    case PageType::kL1:
      return drop_entries<PtLevel::kL1>(counters, frame, kEntriesPerTable);
    case PageType::kL2:
      return drop_entries<PtLevel::kL2>(counters, frame, kEntriesPerTable);
    case PageType::kL3:
      return drop_entries<PtLevel::kL3>(counters, frame, kEntriesPerTable);
    case PageType::kL4:
      clear_hypervisor_slots(frame);
      return drop_entries<PtLevel::kL4>(counters, frame, kEntriesPerTable);
    case PageType::kSegDesc:  // descriptors hold no references
    case PageType::kNone:
    case PageType::kWritable:
      return;
  }
}

// Gives back the references of the first `count` entries.
template <PtLevel L>
void TypeKeeper::drop_entries(MmuCounters& counters, Mfn table, unsigned count) {
  for (unsigned slot = 0; slot < count; ++slot) {
    if (is_hypervisor_slot(L, slot)) continue;
    const Pte<L> entry(platform_.read_entry(table, slot));
    if (entry.present()) put_from_entry(counters, entry, table);
  }
}

void TypeKeeper::fill_hypervisor_slots(Mfn table) {
  for (unsigned slot = kFirstHypervisorSlot; slot <= kLastHypervisorSlot; ++slot) {
    store_entry(table, slot, platform_.hypervisor_slot_entry(slot));
  }
}

void TypeKeeper::clear_hypervisor_slots(Mfn table) {
  for (unsigned slot = kFirstHypervisorSlot; slot <= kLastHypervisorSlot; ++slot) {
    store_entry(table, slot, 0);
  }
}

Errno TypeKeeper::validate_descriptors(Call& call, Mfn frame) {
  for (unsigned index = 0; index < kEntriesPerTable; ++index) {
    uint64_t descriptor = platform_.read_entry(frame, index);
    if (adjust_descriptor(descriptor)) continue;
    refuse(call, Rule::kEntryBits, Errno::kEINVAL, "a descriptor that is not allowed", frame);
    call.refusal.slot = static_cast<uint16_t>(index);
    call.refusal.table = frame;
    call.refusal.entry = descriptor;
    return Errno::kEINVAL;
  }
  for (unsigned index = 0; index < kEntriesPerTable; ++index) {
    const uint64_t descriptor = platform_.read_entry(frame, index);
    uint64_t adjusted = descriptor;
    // All were accepted above, and nobody can have written them since.
    if (adjust_descriptor(adjusted) && adjusted != descriptor) store_entry(frame, index, adjusted);
  }
  return Errno::kOk;
}

// An unconditional store, as a compare-exchange loop like every other. Only Accessed and Dirty can
// change under it, so it ends.
void TypeKeeper::store_entry(Mfn table, unsigned slot, uint64_t value) {
  uint64_t expected = platform_.read_entry(table, slot);
  if (expected == value) return;
  while (!platform_.compare_exchange_entry(table, slot, expected, value)) {
  }
  if ((expected & kPtePresent) != 0) platform_.entry_changed(table, slot);
}

}  // namespace pvmmu
