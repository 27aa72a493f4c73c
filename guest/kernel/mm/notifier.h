// mmu notifiers: how a secondary MMU, which keeps translations of its own of a process's addresses,
// hears that the address space changes.
//
// What a secondary MMU may hold: of an address, the page that its entry names; for writing, only if
// the entry is writable and dirty. It must never hold a translation whose entry is gone, once the
// call that reports so has returned. Every place that takes rights, Dirty or the page away from an
// entry therefore calls, with the Mm lock held:
//   NotifierRange               around the change. At its start the secondary MMU lets go of the
//                               range; until its end it takes nothing of it up again
//   notifier_invalidate_page()  after one entry has been changed and flushed, and before the page
//                               that it named is given back
//   SecondaryYoung              where entries age: an access of the secondary MMU counts as one
//   notifier_release()          before a whole address space goes
// docs/notifiers.md has the list of places. What only adds rights to an entry calls nothing.
//
// With nobody registered each costs a load and a branch. Never in a lazy section: a notifier makes
// hypercalls of its own.
#pragma once

#include <stdint.h>

#include "base/frame.h"
#include "mm/address_space.h"

namespace kernel {

struct MmuNotifier;

// With the Mm lock held, but for release: then nobody else uses the address space. Ranges are of
// whole pages. Starts and ends come in pairs; those of different address spaces may overlap in
// time.
struct MmuNotifierOps {
  void (*range_start)(MmuNotifier&, uint64_t start, uint64_t end);
  void (*range_end)(MmuNotifier&, uint64_t start, uint64_t end);
  void (*invalidate_page)(MmuNotifier&, uint64_t address);
  // Bit i of `young`, from bit 0 of its first word on, is set if page i behind `start` was accessed
  // since the last time; `page_count` is SecondaryYoung::kPages at most.
  void (*clear_young)(MmuNotifier&, uint64_t start, unsigned page_count, uint64_t* young);
  // The notifier is not registered any more.
  void (*release)(MmuNotifier&);
};

// Part of what describes the secondary MMU; in one list at a time.
struct MmuNotifier {
  const MmuNotifierOps* ops = nullptr;
  MmuNotifier* next = nullptr;
};

// With the Mm lock held.
void notifier_register(Mm& mm, MmuNotifier& notifier);
void notifier_unregister(Mm& mm, MmuNotifier& notifier);

// Without them only to see what they cost (scripts/notifiers-price).
#ifdef KERNEL_WITHOUT_NOTIFIERS
constexpr bool has_notifiers(const Mm&) {
  return false;
}
#else
inline bool has_notifiers(const Mm& mm) {
  return mm.notifiers != nullptr;
}
#endif

// Before the reference count of the last user's entries goes; nobody else uses the address space.
void notifier_release(Mm& mm);

void notify_page(Mm& mm, uint64_t address);
inline void notifier_invalidate_page(Mm& mm, uint64_t address) {
  if (has_notifiers(mm)) [[unlikely]] {
    notify_page(mm, address);
  }
}

// From its start to its end nobody takes up the range. Ends with its scope, however the work in
// between went.
class NotifierRange {
 public:
  [[nodiscard]] NotifierRange(Mm& mm, uint64_t start, uint64_t end) {
    if (has_notifiers(mm)) [[unlikely]] {
      begin(mm, start, end);
    }
  }
  NotifierRange(NotifierRange&& other) noexcept
      : mm_(other.mm_), start_(other.start_), end_(other.end_) {
    other.mm_ = nullptr;
  }
  NotifierRange& operator=(NotifierRange&&) = delete;
  ~NotifierRange() {
    if (mm_ != nullptr) [[unlikely]] {
      finish();
    }
  }

 private:
  void begin(Mm& mm, uint64_t start, uint64_t end);
  void finish();

  Mm* mm_ = nullptr;  // none: nobody was registered
  uint64_t start_ = 0;
  uint64_t end_ = 0;
};

// Which pages of a range the secondary MMUs used since the last time; asking clears it.
class SecondaryYoung {
 public:
  static constexpr unsigned kPages = 512;

  // `end` is at most kPages pages behind `start`.
  SecondaryYoung(Mm& mm, uint64_t start, uint64_t end) : start_(start) {
    if (has_notifiers(mm)) [[unlikely]] {
      ask(mm, end);
    }
  }
  bool contains(uint64_t address) const {
    if (!any_) [[likely]] {
      return false;
    }
    const uint64_t page = (address - start_) / pvmmu::kPageSize;
    return ((young_[page / kBits] >> (page % kBits)) & 1) != 0;
  }

 private:
  static constexpr unsigned kBits = 64;
  void ask(Mm& mm, uint64_t end);

  uint64_t start_;
  bool any_ = false;  // of the words below, which hold nothing otherwise
  uint64_t young_[kPages / kBits];
};

}  // namespace kernel
