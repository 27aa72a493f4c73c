// A lazy section: updates of one L1 table's entries are queued and leave in few hypercalls.
//
// Scoped, never nested. It holds the table's lock from before the first update is queued until the
// last has been made: another vCPU that gets the lock sees every update in memory. Inside, an
// entry must not be read after an update of it was queued. In modes that do not batch it only
// locks.
#pragma once

#include <stddef.h>

#include <optional>

#include "mm/address_space.h"
#include "mm/pv/lazy_mode.h"
#include "mm/pv/table_lock.h"
#include "planted_bug.h"
#include "pte_rules/seeded.h"

namespace kernel {

// Lazy mode of this vCPU without a lock. Leaving makes everything that was queued.
class LazyMode {
 public:
  [[nodiscard]] LazyMode() { lazy_enter(); }
  ~LazyMode() { lazy_leave(); }
  LazyMode(const LazyMode&) = delete;
  LazyMode& operator=(const LazyMode&) = delete;
  static void* operator new(size_t) = delete;  // a scope, not an object
};

class LazySection {
 public:
  [[nodiscard]] LazySection(Mm& mm, Page& table) : lock_(mm, table) {}
  static void* operator new(size_t) = delete;
  ~LazySection() {
    if (pte_rules::seeded<pte_rules::Seeded::unlock_before_issue>() ||
        planted(PlantedBug::unlock_early)) {
      lock_.let_others_in();
    }
  }

 private:
  TableLock lock_;  // released last
  LazyMode lazy_;
};

// The same for two tables of one address space, which may be one table.
class LazySectionOfTwo {
 public:
  [[nodiscard]] LazySectionOfTwo(Mm& mm, Page& first, Page& second);
  static void* operator new(size_t) = delete;

 private:
  std::optional<TableLock> second_lock_;  // released last; none if the first stands for both
  LazySection section_;
};

}  // namespace kernel
