#include "mm/pv/tables.h"

#include <initializer_list>

#include "base/linear_addr.h"
#include "base/pte.h"
#include "mm/pv/call_batch.h"
#include "mm/pv/entry_memory.h"
#include "options.h"
#include "panic.h"
#include "pte_rules/hooks.h"

namespace kernel {
namespace {

using pvmmu::level_below;
using pvmmu::level_number;
using pvmmu::LinearAddr;
using pvmmu::PtLevel;

// Accessed is set beforehand, so that walks need not.
constexpr uint64_t kTableFlags =
    pvmmu::kPtePresent | pvmmu::kPteWritable | pvmmu::kPteUser | pvmmu::kPteAccessed;

uint64_t entry_for_table(const Page& table) {
  return pvmmu::L2Pte(mfn_of(table), kTableFlags).raw();
}

uint64_t span_of_entry(PtLevel level) {
  return uint64_t{1} << pvmmu::level_shift(level);
}

void plain_store(Page& table, unsigned index, uint64_t value) {
  entry_store(static_cast<uint64_t*>(address_of(table)) + index, value);
}

// Writes an upper-level entry of the live tables; in a root, of both roots.
void write_upper_entry(Mm& mm, Page& table, unsigned index, uint64_t value) {
  Page* twin = &table == mm.user_root ? mm.kernel_root : nullptr;
  if (!mm.pinned) {
    plain_store(table, index, value);
    if (twin != nullptr) {
      plain_store(*twin, index, value);
    }
    return;
  }
  CallBatch batch;
  batch.update_entry(table, index, value);
  if (twin != nullptr) {
    batch.update_entry(*twin, index, value);
  }
}

// A chain of new tables for one address: chain[0] of the lowest level, each next one level up and
// linked to the one before.
struct NewTables {
  PtLevel lowest;
  Page* chain[3] = {};
  unsigned count = 0;
};

bool make_chain(NewTables& tables, uint64_t address, PtLevel parent_level) {
  const unsigned wanted = level_number(parent_level) - level_number(tables.lowest);
  for (; tables.count < wanted; ++tables.count) {
    Page* page = alloc_zeroed_frame();
    if (page == nullptr) {
      while (tables.count > 0) {
        frame_put(*tables.chain[--tables.count]);
      }
      return false;
    }
    tables.chain[tables.count] = page;
    if (tables.count > 0) {
      const auto level = static_cast<PtLevel>(level_number(tables.lowest) + tables.count);
      plain_store(*page, LinearAddr(address).index(level),
                  entry_for_table(*tables.chain[tables.count - 1]));
    }
  }
  return true;
}

// Makes the missing tables for an address below `parent`, down to `lowest`, and links them there.
Page* grow(Mm& mm, Page& parent, PtLevel parent_level, uint64_t address, PtLevel lowest) {
  NewTables tables{lowest};
  if (!make_chain(tables, address, parent_level)) {
    return nullptr;
  }
  CallBatch batch;
  if (mm.pinned) {
    for (unsigned i = 0; i < tables.count; ++i) {
      batch.protect_direct_map(*tables.chain[i], false);
      if (i == 0 && lowest == PtLevel::kL1 && options().split_ptl) {
        batch.pin(PtLevel::kL1, *tables.chain[i]);
      }
    }
  }
  write_upper_entry(mm, parent, LinearAddr(address).index(parent_level),
                    entry_for_table(*tables.chain[tables.count - 1]));
  return tables.chain[0];
}

// The table of a level for an address, nullptr if it is not there.
Page* find_table(const Mm& mm, uint64_t address, PtLevel wanted) {
  Page* table = mm.user_root;
  for (PtLevel level = PtLevel::kL4; level != wanted && table != nullptr;
       level = level_below(level)) {
    table = table_below(*table, LinearAddr(address).index(level));
  }
  return table;
}

// The same, made if it is not there; nullptr if memory is out.
Page* make_table(Mm& mm, uint64_t address, PtLevel wanted) {
  if (pv_this_vcpu().lazy) {
    panic("a table is made in a lazy section");
  }
  Page* table = mm.user_root;
  for (PtLevel level = PtLevel::kL4; level != wanted; level = level_below(level)) {
    Page* child = table_below(*table, LinearAddr(address).index(level));
    if (child == nullptr) {
      return grow(mm, *table, level, address, wanted);
    }
    table = child;
  }
  return table;
}

// Unlinking what nobody uses, of one address space.
class Unlinking {
 public:
  Unlinking(Mm& mm, uint64_t start, uint64_t end, PageList& leaves, PageList& uppers)
      : mm_(mm), start_(start), end_(end), leaves_(leaves), uppers_(uppers) {}

  // Unlinks what is below `table`, which maps addresses from `base` on, and is not used.
  void below(Page& table, PtLevel level, uint64_t base) {
    const uint64_t span = span_of_entry(level);
    const uint64_t first = start_ > base ? (start_ - base) / span : 0;
    for (uint64_t index = first; index < kEntriesPerTable; ++index) {
      const uint64_t place = base + index * span;
      if (place >= end_) {
        break;
      }
      Page* child = table_below(table, static_cast<unsigned>(index));
      if (child == nullptr) {
        continue;
      }
      if (is_unused(place, place + span)) {
        // Its own entries are read before the request that unlinks it leaves; they do not change.
        collect(*child, level_below(level));
        write_upper_entry(mm_, table, static_cast<unsigned>(index), 0);
      } else if (level != PtLevel::kL2) {
        below(*child, level_below(level), place);
      }
    }
  }

  // Undoes what pinning did to tables that nothing links to any more.
  void release(CallBatch& batch) {
    leaves_.for_each([&batch](Page& table) {
      if (options().split_ptl) {
        batch.unpin(table);
      }
      batch.protect_direct_map(table, true);
    });
    uppers_.for_each([&batch](Page& table) { batch.protect_direct_map(table, true); });
    // Walks that the processors remember, and the read-only translations of the direct map.
    pte_rules::flush_everything();
    batch.flush_everywhere();
  }

 private:
  static constexpr uint64_t kEntriesPerTable = pvmmu::kEntriesPerTable;

  bool is_unused(uint64_t from, uint64_t to) const {
    return (from >= start_ || mm_.areas.is_free(from, start_)) &&
           (to <= end_ || mm_.areas.is_free(end_, to));
  }

  void collect(Page& table, PtLevel level) {
    if (level == PtLevel::kL1) {
      pte_rules::table_gone(table);
      leaves_.push(table);
      return;
    }
    for (unsigned i = 0; i < kEntriesPerTable; ++i) {
      if (Page* child = table_below(table, i)) {
        collect(*child, level_below(level));
      }
    }
    uppers_.push(table);
  }

  Mm& mm_;
  uint64_t start_;
  uint64_t end_;
  PageList& leaves_;
  PageList& uppers_;
};

void free_subtree(Page& table, PtLevel level, unsigned entry_count) {
  if (level != PtLevel::kL1) {
    for (unsigned i = 0; i < entry_count; ++i) {
      if (Page* child = table_below(table, i)) {
        free_subtree(*child, level_below(level), pvmmu::kEntriesPerTable);
      }
    }
  }
  frame_put(table);
}

}  // namespace

const uint64_t* entries_of(const Page& table) {
  return static_cast<const uint64_t*>(address_of(table));
}

Page* table_below(const Page& table, unsigned index) {
  const pvmmu::L2Pte entry(entry_load(entries_of(table) + index));
  return entry.present() ? &page_of(entry.frame()) : nullptr;
}

Page* find_l1_table(const Mm& mm, uint64_t address) {
  return find_table(mm, address, PtLevel::kL1);
}

Page* make_l1_table(Mm& mm, uint64_t address) {
  return make_table(mm, address, PtLevel::kL1);
}

bool make_l2_table(Mm& mm, uint64_t address) {
  return make_table(mm, address, PtLevel::kL2) != nullptr;
}

void move_l1_table(Mm& mm, uint64_t from, uint64_t to) {
  Page& from_l2 = *find_table(mm, from, PtLevel::kL2);
  Page& to_l2 = *find_table(mm, to, PtLevel::kL2);
  const unsigned from_index = LinearAddr(from).index(PtLevel::kL2);
  const unsigned to_index = LinearAddr(to).index(PtLevel::kL2);
  const uint64_t entry = entry_load(entries_of(from_l2) + from_index);
  if (table_below(to_l2, to_index) != nullptr) {
    panic("a table is moved to where there is one");
  }
  ++mm.changes;
  pte_rules::table_gone(*table_below(from_l2, from_index));
  CallBatch batch;
  write_upper_entry(mm, from_l2, from_index, 0);
  write_upper_entry(mm, to_l2, to_index, entry);
  if (mm.active_anywhere()) {
    batch.flush_all(mm);
  }
}

TableSpan next_l1_table(const Mm& mm, uint64_t from, uint64_t limit) {
  while (from < limit) {
    Page* table = mm.user_root;
    PtLevel level = PtLevel::kL4;
    while (level != PtLevel::kL1) {
      Page* child = table_below(*table, LinearAddr(from).index(level));
      if (child == nullptr) {
        break;
      }
      table = child;
      level = level_below(level);
    }
    // The span of the L1 table, or of the entry that is empty.
    const uint64_t span = span_of_entry(level == PtLevel::kL1 ? PtLevel::kL2 : level);
    const uint64_t boundary = (from & ~(span - 1)) + span;
    const uint64_t end = boundary < limit ? boundary : limit;
    if (level == PtLevel::kL1) {
      return {table, from, end};
    }
    from = end;
  }
  return {};
}

UnusedTables::~UnusedTables() {
  for (PageList* tables : {&leaves_, &uppers_}) {
    while (Page* table = tables->pop()) {
      frame_put(*table);
    }
  }
}

void UnusedTables::unlink(uint64_t start, uint64_t end) {
  Unlinking unlinking(mm_, start, end, leaves_, uppers_);
  CallBatch batch;
  unlinking.below(*mm_.user_root, PtLevel::kL4, 0);
  if (mm_.pinned && !(leaves_.empty() && uppers_.empty())) {
    unlinking.release(batch);
  }
}

void free_all_tables(Mm& mm) {
  if (mm.pinned) {
    panic("tables of a pinned address space are freed");
  }
  free_subtree(*mm.user_root, PtLevel::kL4, kUserSlots);
  // The tables below the kernel root's user half were those of the user root.
  frame_put(*mm.kernel_root);
  mm.user_root = nullptr;
  mm.kernel_root = nullptr;
}

bool make_roots(Mm& mm, const Page& template_root) {
  mm.kernel_root = alloc_zeroed_frame();
  mm.user_root = alloc_zeroed_frame();
  if (mm.kernel_root == nullptr || mm.user_root == nullptr) {
    for (Page* root : {mm.kernel_root, mm.user_root}) {
      if (root != nullptr) {
        frame_put(*root);
      }
    }
    return false;
  }
  // Behind the hypervisor's slots, which it fills itself.
  for (unsigned i = kFirstKernelSlot; i < pvmmu::kEntriesPerTable; ++i) {
    plain_store(*mm.kernel_root, i, entry_load(entries_of(template_root) + i));
  }
  return true;
}

}  // namespace kernel
