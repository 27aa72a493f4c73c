#include "mm/pv/pinning.h"

#include "accounting.h"
#include "mm/pv/call_batch.h"
#include "mm/pv/table_lock.h"
#include "mm/pv/tables.h"
#include "options.h"
#include "panic.h"
#include "planted_bug.h"
#include "pte_rules/hooks.h"

namespace kernel {
namespace {

using pvmmu::level_below;
using pvmmu::PtLevel;

// Entries that one L1 table takes in a batch: its remapping and its (un)pinning.
constexpr unsigned kEntriesPerLeaf = 2;

// Room is made first, so that nothing flushes between lock and queued unlock: each lock held is
// matched by two entries of the queue, and 32 entries bound the locks by 16, the 256 of mode best
// by 128.
void pin_leaf(CallBatch& batch, Mm& mm, Page& table) {
  if (!options().split_ptl) {
    batch.protect_direct_map(table, false);
    return;
  }
  batch.room(kEntriesPerLeaf, kMmuextBytes, 1);
  if (planted(PlantedBug::pin_unlocked)) {
    batch.protect_direct_map(table, false);
    batch.pin(PtLevel::kL1, table);
    return;
  }
  lock_table(mm, table);
  batch.protect_direct_map(table, false);
  batch.pin(PtLevel::kL1, table);
  batch.then(unlock_table_callback, unlock_argument(table));
}

void unpin_leaf(CallBatch& batch, Mm& mm, Page& table) {
  pte_rules::table_gone(table);
  if (!options().split_ptl) {
    batch.protect_direct_map(table, true);
    return;
  }
  batch.room(kEntriesPerLeaf, kMmuextBytes, 1);
  lock_table(mm, table);
  batch.unpin(table);
  batch.protect_direct_map(table, true);
  batch.then(unlock_table_callback, unlock_argument(table));
}

unsigned entry_count_of(PtLevel level) {
  return level == PtLevel::kL4 ? kUserSlots : pvmmu::kEntriesPerTable;
}

// The tables below `table` and then, unless it is a root, the table itself.
void pin_subtree(CallBatch& batch, Mm& mm, Page& table, PtLevel level) {
  if (level == PtLevel::kL1) {
    pin_leaf(batch, mm, table);
    return;
  }
  for (unsigned i = 0; i < entry_count_of(level); ++i) {
    if (Page* child = table_below(table, i)) {
      pin_subtree(batch, mm, *child, level_below(level));
    }
  }
  batch.protect_direct_map(table, false);
}

void unpin_subtree(CallBatch& batch, Mm& mm, Page& table, PtLevel level) {
  if (level == PtLevel::kL1) {
    unpin_leaf(batch, mm, table);
    return;
  }
  batch.protect_direct_map(table, true);
  for (unsigned i = 0; i < entry_count_of(level); ++i) {
    if (Page* child = table_below(table, i)) {
      unpin_subtree(batch, mm, *child, level_below(level));
    }
  }
}

}  // namespace

void pin_address_space(Mm& mm) {
  if (mm.pinned) {
    panic("an address space is pinned twice");
  }
  OperationScope operation(guest_abi::Operation::kPin);
  {
    CallBatch batch;
    pin_subtree(batch, mm, *mm.user_root, PtLevel::kL4);
    batch.protect_direct_map(*mm.kernel_root, false);
    batch.pin(PtLevel::kL4, *mm.kernel_root);
    batch.pin(PtLevel::kL4, *mm.user_root);
  }
  mm.pinned = true;
}

void unpin_address_space(Mm& mm) {
  if (!mm.pinned || mm.active_anywhere()) {
    panic("an address space that is not pinned, or active, is unpinned");
  }
  OperationScope operation(guest_abi::Operation::kUnpin);
  {
    CallBatch batch;
    batch.unpin(*mm.kernel_root);
    batch.unpin(*mm.user_root);
    batch.protect_direct_map(*mm.kernel_root, true);
    unpin_subtree(batch, mm, *mm.user_root, PtLevel::kL4);
    // No vCPU may write through a read-only translation of the direct map that it still holds.
    batch.flush_everywhere();
  }
  mm.pinned = false;
}

}  // namespace kernel
