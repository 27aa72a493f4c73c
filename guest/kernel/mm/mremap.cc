// Moving a mapping to another place: its entries, or whole tables where both places allow it.
#include "linux_errno.h"
#include "mm/ahead.h"
#include "mm/mm.h"
#include "mm/mmap.h"
#include "mm/notifier.h"
#include "mm/pv/accessors.h"
#include "mm/pv/flush.h"
#include "mm/pv/lazy_section.h"
#include "mm/pv/tables.h"
#include "mm/range.h"

namespace kernel {
namespace {

constexpr uint64_t kTableBytes = uint64_t{1} << pvmmu::level_shift(pvmmu::PtLevel::kL2);

// From one place to another, both page-aligned and apart from each other.
struct Move {
  Range from;
  uint64_t to;
  uint64_t target(uint64_t address) const { return to + (address - from.start); }
};

// The part of a span whose targets one L1 table maps.
TableSpan part_with_one_target(const Move& move, TableSpan span) {
  const uint64_t target = move.target(span.start);
  const uint64_t left = kTableBytes - target % kTableBytes;
  if (left < span.end - span.start) {
    span.end = span.start + left;
  }
  return span;
}

bool is_whole_table(const Move& move, const TableSpan& span) {
  return span.end - span.start == kTableBytes && move.target(span.start) % kTableBytes == 0;
}

// Calls visit(part) for each part of a table that moves, until it returns false.
template <typename Visit>
bool for_each_part(Mm& mm, const Move& move, Visit visit) {
  uint64_t from = move.from.start;
  while (TableSpan span = next_l1_table(mm, from, move.from.end)) {
    const TableSpan part = part_with_one_target(move, span);
    if (!visit(part)) {
      return false;
    }
    from = part.end;
  }
  return true;
}

// Tables for the target, all before anything moves, since memory may be out.
bool make_target_tables(Mm& mm, const Move& move) {
  return for_each_part(mm, move, [&mm, &move](const TableSpan& part) {
    const uint64_t target = move.target(part.start);
    return is_whole_table(move, part) ? make_l2_table(mm, target)
                                      : make_l1_table(mm, target) != nullptr;
  });
}

void prepare_entries(Mm& mm, const TableSpan& part) {
  LazySection section(mm, *part.table);
  for (uint64_t address = part.start; address < part.end; address += pvmmu::kPageSize) {
    const PtePlace place{mm, *part.table, address};
    pte_prepare_move(place, pte_read(place));
  }
}

void move_entries(Mm& mm, const Move& move, const TableSpan& part, FlushPromise& flush) {
  prepare_entries(mm, part);
  Page& target_table = *find_l1_table(mm, move.target(part.start));
  LazySectionOfTwo section(mm, *part.table, target_table);
  for (uint64_t address = part.start; address < part.end; address += pvmmu::kPageSize) {
    const PtePlace to{mm, target_table, move.target(address)};
    if (pte_move({mm, *part.table, address}, to).present()) {
      flush.add_page(address);
    }
  }
  if (part.end == move.from.end) {
    flush.pay();  // leaves with the last updates
  }
}

void move_everything(Mm& mm, const Move& move) {
  FlushPromise flush(mm);
  const NotifierRange notifier(mm, move.from.start, move.from.end);
  for_each_part(mm, move, [&](const TableSpan& part) {
    if (is_whole_table(move, part)) {
      move_l1_table(mm, part.start, move.target(part.start));
    } else {
      move_entries(mm, move, part, flush);
    }
    return true;
  });
  flush.pay();
}

int64_t move_mapping(Mm& mm, const Move& move) {
  if (!mm.areas.split_at_ends(move.from.start, move.from.end)) {
    mm.areas.merge(move.from.start, move.from.end);
    return -kEnomem;
  }
  if (!make_target_tables(mm, move)) {
    UnusedTables(mm).unlink(move.to, move.target(move.from.end));
    mm.areas.merge(move.from.start, move.from.end);
    return -kEnomem;
  }
  move_everything(mm, move);
  mm.areas.relocate(*mm.areas.find(move.from.start), move.to);
  UnusedTables(mm).unlink(move.from.start, move.from.end);
  return static_cast<int64_t>(move.to);
}

bool overlap(const Range& a, const Range& b) {
  return a.start < b.end && b.start < a.end;
}

}  // namespace

int64_t sys_mremap(Mm& mm, uint64_t address, uint64_t length, uint64_t new_address) {
  Range from;
  Range to;
  if (length == 0 || !range_from(address, length, from) || !range_from(new_address, length, to) ||
      overlap(from, to)) {
    return -kEinval;
  }
  SettledMm guard(mm);
  const Vma* area = mm.areas.find(from.start);
  if (area == nullptr || from.end > area->end) {
    return -kEfault;
  }
  if (!unmap_range(mm, to)) {
    return -kEnomem;
  }
  return move_mapping(mm, {from, to.start});
}

}  // namespace kernel
