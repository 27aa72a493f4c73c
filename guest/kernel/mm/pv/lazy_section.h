// A lazy section: updates of one L1 table's entries are queued and leave in few hypercalls.
//
// Scoped, never nested. It holds the table's lock from before the first update is queued until the
// last has been made: another vCPU that gets the lock sees every update in memory. Inside, an
// entry must not be read after an update of it was queued. In modes that do not batch it only
// locks.
#pragma once

#include <optional>

#include "mm/address_space.h"
#include "mm/pv/table_lock.h"

namespace kernel {

// Lazy mode of this vCPU without a lock. Leaving makes everything that was queued.
class LazyMode {
 public:
  LazyMode();
  ~LazyMode();
  LazyMode(const LazyMode&) = delete;
  LazyMode& operator=(const LazyMode&) = delete;
};

class LazySection {
 public:
  LazySection(Mm& mm, Page& table) : lock_(mm, table) {}

 private:
  TableLock lock_;  // released last
  LazyMode lazy_;
};

// The same for two tables of one address space, which may be one table.
class LazySectionOfTwo {
 public:
  LazySectionOfTwo(Mm& mm, Page& first, Page& second);

 private:
  std::optional<TableLock> second_lock_;  // released last; none if the first stands for both
  LazySection section_;
};

}  // namespace kernel
