// The lock of an L1 table: who changes its entries, or pins it, holds it.
//
// With split locks each table has its own, in its frame's descriptor; without, all tables of an
// address space share Mm::table_lock. Several table locks may be held at once only while pinning,
// where each unlock is a callback of the call queue: room for a table's requests and its unlock is
// made before its lock is taken, so the locks held never exceed what one queue holds.
#pragma once

#include "mm/address_space.h"
#include "mm/page.h"

namespace kernel {

// The lock that stands for a table.
Spinlock& table_lock_of(Mm& mm, Page& table);
void lock_table(Mm& mm, Page& table);
void unlock_table(Mm& mm, Page& table);
// The unlock as a queue callback: argument is what unlock_argument said. Split locks only.
void unlock_table_callback(void* argument);
inline void* unlock_argument(Page& table) {
  return &table;
}

class TableLock {
 public:
  TableLock(Mm& mm, Page& table) : mm_(mm), table_(table) { lock_table(mm_, table_); }
  ~TableLock() { unlock_table(mm_, table_); }
  TableLock(const TableLock&) = delete;
  TableLock& operator=(const TableLock&) = delete;
  // For a moment.
  void let_others_in() {
    unlock_table(mm_, table_);
    lock_table(mm_, table_);
  }

 private:
  Mm& mm_;
  Page& table_;
};

}  // namespace kernel
