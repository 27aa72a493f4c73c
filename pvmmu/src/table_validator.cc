// Promotion of whole tables.
//
// A table is read once, upwards, and the reference of every present entry is taken. If one is
// refused, those taken so far go back (table_teardown.cc) and nothing has changed. Only when the
// whole tree passed are the entries stored as they must be (USER, the hypervisor's slots): that
// part cannot fail. Nobody writes the table meanwhile: its type is set already, and the flush that
// the change of type owed is complete.
#include "at_level.h"
#include "base/mutant.h"
#include "descriptor.h"
#include "entry_bits.h"
#include "leaf_reference.h"
#include "pvmmu/mmu_events.h"
#include "pvmmu/type_keeper.h"

namespace pvmmu {

// From validated_entries on. If it stops, by refusal or preemption, the frame is in progress.
Errno TypeKeeper::validate(Call& call, Mfn frame, PageType type) {
  PageInfo& page = frames_.at(frame);
  Errno error = Errno::kOk;
  if (type == PageType::kSegDesc) {
    error = validate_descriptors(call, frame);
    if (error != Errno::kOk) {  // nothing was taken
      page.type = PageType::kNone;
      page.type_count = 0;
    }
  } else {
    error =
        at_level(table_level(type), [&]<PtLevel L>() { return validate_table<L>(call, frame); });
    page.in_progress = error != Errno::kOk;
    if (kMutated<Mutant::partial_state_lost> && error == kRestart) {
      page.in_progress = false;
      page.type = PageType::kNone;
      page.type_count = 0;
      page.validated_entries = 0;
    }
  }
  if (error == Errno::kOk) {
    ++call.counters.promotions;
    if (MmuEvents* events = platform_.events()) events->promoted(call.counters, frame, type);
  } else if (error != kRestart) {
    ++call.counters.failed_promotions;
    if (MmuEvents* events = platform_.events()) {
      events->promotion_failed(call.counters, frame, type);
    }
  }
  return error;
}

template <PtLevel L>
Errno TypeKeeper::validate_table(Call& call, Mfn table) {
  PageInfo& page = frames_.at(table);
  page.child_in_progress = false;
  if constexpr (L == PtLevel::kL4) page.must_store = true;
  for (unsigned slot = page.validated_entries; slot < kEntriesPerTable; ++slot) {
    if (is_hypervisor_slot(L, slot)) continue;
    const Pte<L> entry(platform_.read_entry(table, slot));
    if (!entry.present()) continue;
    Errno error;
    if constexpr (L == PtLevel::kL1) {
      error = get_leaf(call, entry, table, slot);
    } else {
      error = get_entry(call, entry, table, slot);
    }
    if (kMutated<Mutant::stores_before_all_passed> && error == Errno::kOk) {
      store_entry(table, slot, adjusted_entry(entry).raw());
    }
    if (error != kRestart) ++call.counters.entries_validated;
    if (error != Errno::kOk) {
      page.validated_entries = static_cast<uint16_t>(slot);
      page.child_in_progress = L != PtLevel::kL1 && left_in_progress(L, table, entry.frame());
      return error;
    }
    if (needs_store(entry, table)) page.must_store = true;
    if (call.steps.spent(platform_)) {
      if (kMutated<Mutant::no_progress_on_resume>) return kRestart;
      page.validated_entries = static_cast<uint16_t>(slot + 1);
      return kRestart;
    }
  }
  if (kMutated<Mutant::contents_read_before_flush> && page.last_type == PageType::kWritable) {
    tlb_.flush_older_than(call.counters, page.tlb_stamp);
  }
  page.validated_entries = kEntriesPerTable;
  page.validation = page.must_store ? Validation::kValidated : Validation::kWhole;
  return Errno::kOk;
}

// Whether anything has to be stored in the table, or below it, because of this entry.
template <PtLevel L>
bool TypeKeeper::needs_store(Pte<L> entry, Mfn table) const {
  if (adjusted_entry(entry) != entry) return true;
  if constexpr (L == PtLevel::kL1) return false;
  return entry.frame() != table && !frames_.at(entry.frame()).whole();
}

// Stores a validated table and what is below it as it must be. Done again after a stop, it finds
// what was stored before as it should be.
Errno TypeKeeper::store_table(Call& call, Mfn table) {
  return at_level(table_level(frames_.at(table).type),
                  [&]<PtLevel L>() { return store_entries<L>(call, table); });
}

template <PtLevel L>
Errno TypeKeeper::store_entries(Call& call, Mfn table) {
  for (unsigned slot = 0; slot < kEntriesPerTable; ++slot) {
    if (is_hypervisor_slot(L, slot)) continue;
    const Pte<L> entry(platform_.read_entry(table, slot));
    if (!entry.present()) continue;
    bool stored = false;
    if constexpr (L != PtLevel::kL1) {
      const Mfn below = entry.frame();
      if (below != table && frames_.at(below).validation == Validation::kValidated) {
        const Errno error = store_table(call, below);
        if (error != Errno::kOk) return error;
        stored = true;
      }
    }
    const Pte<L> adjusted = adjusted_entry(entry);
    if (adjusted != entry) {
      store_entry(table, slot, adjusted.raw());
      stored = true;
    }
    if (stored && call.steps.spent(platform_)) return kRestart;
  }
  if constexpr (L == PtLevel::kL4) fill_hypervisor_slots(table);
  PageInfo& page = frames_.at(table);
  page.must_store = false;
  page.validation = Validation::kWhole;
  return Errno::kOk;
}

void TypeKeeper::fill_hypervisor_slots(Mfn table) {
  for (unsigned slot = kFirstHypervisorSlot; slot <= kLastHypervisorSlot; ++slot) {
    store_entry(table, slot, platform_.hypervisor_slot_entry(slot));
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
    // never: refused; all were accepted above, and nobody can have written them since.
    if (adjust_descriptor(adjusted) && adjusted != descriptor) store_entry(frame, index, adjusted);
  }
  frames_.at(frame).validation = Validation::kWhole;
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
