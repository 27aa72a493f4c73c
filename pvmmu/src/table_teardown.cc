// Demotion of whole tables, and of what a refused promotion had validated.
//
// The references of a table's entries go back downwards, from validated_entries. The entries stay
// in memory as data, except the hypervisor's.
#include "at_level.h"
#include "base/mutant.h"
#include "leaf_reference.h"
#include "pvmmu/mmu_events.h"
#include "pvmmu/type_keeper.h"

namespace pvmmu {

Mfn TypeKeeper::take_unfinished() {
  const Mfn frame = unfinished_;
  unfinished_ = kInvalidMfn;
  return frame;
}

Errno TypeKeeper::finish_teardown(Call& call) {
  const Errno error = tear_down(call, unfinished_);
  if (error == Errno::kOk) unfinished_ = kInvalidMfn;
  return error;
}

// The last reference of a validated table goes: it becomes the frame's own.
void TypeKeeper::begin_teardown(MmuCounters& counters, Mfn table) {
  PageInfo& page = frames_.at(table);
  ++counters.demotions;
  if (MmuEvents* events = platform_.events()) events->demoted(counters, table, page.type);
  if (page.whole() && page.type == PageType::kL4) {
    clear_hypervisor_slots(table);
    page.must_store = true;
  }
  page.validation = Validation::kUnvalidated;
  page.in_progress = true;
  page.was_table = true;
}

// Gives up a frame in progress. If others went on with it meanwhile, it is theirs.
Errno TypeKeeper::tear_down(Call& call, Mfn table) {
  PageInfo& page = frames_.at(table);
  if (!page.in_progress) return Errno::kOk;
  if (page.type_count > 1) {
    page.in_progress = false;
    --page.type_count;
    put_page(table);
    return Errno::kOk;
  }
  if (page.validation != Validation::kUnvalidated) begin_teardown(call.counters, table);
  const Errno error =
      at_level(table_level(page.type), [&]<PtLevel L>() { return drop_entries<L>(call, table); });
  if (error != Errno::kOk) return error;
  page.in_progress = false;
  become_none(table);
  put_page(table);
  return Errno::kOk;
}

template <PtLevel L>
Errno TypeKeeper::drop_entries(Call& call, Mfn table) {
  PageInfo& page = frames_.at(table);
  if constexpr (L != PtLevel::kL1) {
    const Errno error = drop_child_in_progress<L>(call, table);
    if (error != Errno::kOk) return error;
  }
  for (unsigned left = page.validated_entries; left != 0;) {
    const unsigned slot = --left;
    if (is_hypervisor_slot(L, slot)) continue;
    const Pte<L> entry(platform_.read_entry(table, slot));
    if (!entry.present()) continue;
    if constexpr (L == PtLevel::kL1) {
      put_leaf(call.counters, entry);
    } else if (!put_entry(call.counters, entry, table)) {
      const Errno error = tear_down(call, entry.frame());
      if (error != Errno::kOk) {
        page.validated_entries = static_cast<uint16_t>(slot);
        page.child_in_progress = !kMutated<Mutant::partial_child_lost>;
        return error;
      }
    }
    if (call.steps.spent(platform_)) {
      page.validated_entries = static_cast<uint16_t>(slot);
      return kRestart;
    }
  }
  page.validated_entries = 0;
  return Errno::kOk;
}

// Whether an entry of a table of that level names another table, one level below or of the same
// level, that was left in the middle.
bool TypeKeeper::left_in_progress(PtLevel level, Mfn table, Mfn named) const {
  if (named == table || !frames_.contains(named)) return false;
  const PageInfo& page = frames_.at(named);
  return page.in_progress &&
         (page.type == table_type(level_below(level)) || page.type == table_type(level));
}

// The table that the work on this one stopped in. If it is in progress on somebody else's account
// by now, that call only has to begin it again.
template <PtLevel L>
Errno TypeKeeper::drop_child_in_progress(Call& call, Mfn table) {
  PageInfo& page = frames_.at(table);
  if (!page.child_in_progress) return Errno::kOk;
  const Pte<L> entry(platform_.read_entry(table, page.validated_entries));
  if (left_in_progress(L, table, entry.frame())) {
    const Errno error = tear_down(call, entry.frame());
    if (error != Errno::kOk) return error;
  }
  page.child_in_progress = false;
  return Errno::kOk;
}

// The last type reference of a table is gone. One that was never validated was never walked, and
// leaves nothing to flush.
void TypeKeeper::become_none(Mfn frame) {
  PageInfo& page = frames_.at(frame);
  if (page.was_table) {
    page.last_type = page.type;
    page.tlb_stamp = tlb_.stamp();
  }
  page.type = PageType::kNone;
  page.type_count = 0;
  page.validation = Validation::kUnvalidated;
  page.must_store = false;
  page.was_table = false;
}

void TypeKeeper::clear_hypervisor_slots(Mfn table) {
  for (unsigned slot = kFirstHypervisorSlot; slot <= kLastHypervisorSlot; ++slot) {
    store_entry(table, slot, 0);
  }
}

}  // namespace pvmmu
