// A secondary MMU for hosted tests of the mm: it takes up pages as a device's driver would, reads
// and writes them by translations of its own, and lets go of them when a notifier says so.
//
// It watches what the mm promises: at the start of a range its entries are still what its page
// tables say; what it holds is never freed; it is told in pairs; and whenever no system call is
// under way (check), each of its entries has its pte, with the right to write and Dirty if it may
// write.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mm/fault.h"
#include "mm/notifier.h"
#include "mm_fake_machine.h"

namespace kernel::test {

class FakeSecondary {
 public:
  struct Told {
    unsigned starts = 0;
    unsigned ends = 0;
    unsigned pages = 0;
    unsigned ages = 0;
    unsigned releases = 0;
  };

  // Registered with mm until either goes.
  explicit FakeSecondary(Mm& mm);
  ~FakeSecondary();
  FakeSecondary(const FakeSecondary&) = delete;
  FakeSecondary& operator=(const FakeSecondary&) = delete;

  // The word at an address, by a translation of its own; asks the mm for one if it has none.
  // Throws SegmentationFault where the process may not do the same, or nobody may refer to the
  // page.
  uint64_t read(uint64_t address);
  void write(uint64_t address, uint64_t value);

  bool holds(uint64_t address) const;
  bool holds_writable(uint64_t address) const;
  size_t entry_count() const { return entries_.size(); }
  const Told& told() const { return told_; }

  // Throws RuleBroken if an entry has no pte that permits what it does.
  void check() const;

 private:
  struct Entry {
    Page* page;
    bool writable;
    bool young;
  };
  struct Open {
    uint64_t start;
    uint64_t end;
  };

  static FakeSecondary& of(MmuNotifier& notifier);
  void range_start(uint64_t start, uint64_t end);
  void range_end(uint64_t start, uint64_t end);
  void invalidate_page(uint64_t address);
  void clear_young(uint64_t start, unsigned page_count, uint64_t* young);
  void release();

  Entry& entry(uint64_t address, Access access);
  void check_entry(uint64_t address, const Entry& entry) const;
  void check_in_use() const;

  static const MmuNotifierOps kOps;
  // First: the notifier is found by it.
  struct Registered : MmuNotifier {
    FakeSecondary* owner;
  };
  Registered notifier_;
  Mm* mm_;
  std::map<uint64_t, Entry> entries_;
  std::vector<Open> open_;
  Told told_;
};

}  // namespace kernel::test
