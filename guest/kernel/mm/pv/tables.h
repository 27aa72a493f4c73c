// The tables of the user half: finding, making, linking and freeing them.
//
// All are called with the Mm lock held, outside lazy sections but for what says so. In an address
// space that is not pinned they are plain stores. In a pinned one a new table is made read-only in
// the direct map, an L1 table is pinned too (with split locks), and only then it is linked; a table
// that goes is unlinked, forgotten by all vCPUs, unpinned and made writable before its frame is
// freed. The user root stands for both roots: whatever links into one links into the other.
#pragma once

#include <stdint.h>

#include "base/level.h"
#include "mm/address_space.h"
#include "mm/page.h"
#include "mm/pv/page_list.h"

namespace kernel {

// Entries of the user half in a root.
inline constexpr unsigned kUserSlots = 256;

// The L1 table for an address, or nullptr.
Page* find_l1_table(const Mm& mm, uint64_t address);
// The same, made if it is not there; nullptr if memory is out.
Page* make_l1_table(Mm& mm, uint64_t address);

// Makes what lies above the L1 table for an address; false if memory is out.
bool make_l2_table(Mm& mm, uint64_t address);
// The L1 table for `from` becomes the one for `to`, where there must be an L2 table and no L1
// table. Both are multiples of what a table maps. Every vCPU forgets where it was.
void move_l1_table(Mm& mm, uint64_t from, uint64_t to);

// The part of [start, end) that one L1 table maps.
struct TableSpan {
  Page* table = nullptr;
  uint64_t start = 0;
  uint64_t end = 0;
  explicit operator bool() const { return table != nullptr; }
};
// The lowest existing L1 table with addresses in [from, limit); without one, false.
TableSpan next_l1_table(const Mm& mm, uint64_t from, uint64_t limit);

// Tables that no area uses any more: unlinked while this lives, freed with it.
class UnusedTables {
 public:
  explicit UnusedTables(Mm& mm) : mm_(mm) {}
  // What was unlinked has left the queue.
  ~UnusedTables();
  UnusedTables(const UnusedTables&) = delete;
  UnusedTables& operator=(const UnusedTables&) = delete;

  // Unlinks the tables below the roots that map addresses in [start, end) and whose span holds no
  // area outside of that. Their leaves must be none, or become so by what is queued: it may be
  // called in a lazy section.
  void unlink(uint64_t start, uint64_t end);

 private:
  Mm& mm_;
  PageList leaves_;
  PageList uppers_;
};
// Frees all tables and the roots of an address space that is not pinned.
void free_all_tables(Mm& mm);

// Makes both roots of a new address space, the kernel half shared with the template. False: no
// memory.
bool make_roots(Mm& mm, const Page& template_root);

// The table that entry `index` of an upper-level table names, or nullptr.
Page* table_below(const Page& table, unsigned index);
// Entries of a table as they stand in memory.
const uint64_t* entries_of(const Page& table);

}  // namespace kernel
