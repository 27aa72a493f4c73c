#include "mm_fake_secondary.h"

#include <algorithm>

#include "mm/pv/accessors.h"
#include "mm/pv/tables.h"
#include "mm/user_page.h"

namespace kernel::test {
namespace {

void require(bool condition, const std::string& what) {
  if (!condition) {
    throw RuleBroken("secondary MMU: " + what);
  }
}

UserPte pte_of(Mm& mm, uint64_t address) {
  Page* table = find_l1_table(mm, address);
  return table == nullptr ? UserPte() : pte_read({mm, *table, address});
}

}  // namespace

const MmuNotifierOps FakeSecondary::kOps = {
    [](MmuNotifier& n, uint64_t start, uint64_t end) { of(n).range_start(start, end); },
    [](MmuNotifier& n, uint64_t start, uint64_t end) { of(n).range_end(start, end); },
    [](MmuNotifier& n, uint64_t address) { of(n).invalidate_page(address); },
    [](MmuNotifier& n, uint64_t start, unsigned page_count, uint64_t* young) {
      of(n).clear_young(start, page_count, young);
    },
    [](MmuNotifier& n) { of(n).release(); },
};

FakeSecondary& FakeSecondary::of(MmuNotifier& notifier) {
  return *static_cast<Registered&>(notifier).owner;
}

FakeSecondary::FakeSecondary(Mm& mm) : mm_(&mm) {
  notifier_.ops = &kOps;
  notifier_.owner = this;
  SpinlockGuard guard(mm.lock);
  notifier_register(mm, notifier_);
}

FakeSecondary::~FakeSecondary() {
  if (mm_ != nullptr) {
    SpinlockGuard guard(mm_->lock);
    notifier_unregister(*mm_, notifier_);
  }
}

uint64_t FakeSecondary::read(uint64_t address) {
  const Entry& found = entry(address, Access::kRead);
  return *reinterpret_cast<uint64_t*>(static_cast<unsigned char*>(address_of(*found.page)) +
                                      (address & ~pvmmu::kPageMask));
}

void FakeSecondary::write(uint64_t address, uint64_t value) {
  const Entry& found = entry(address, Access::kWrite);
  *reinterpret_cast<uint64_t*>(static_cast<unsigned char*>(address_of(*found.page)) +
                               (address & ~pvmmu::kPageMask)) = value;
}

// The reference is given back at once: from then on only the notifiers keep the page.
FakeSecondary::Entry& FakeSecondary::entry(uint64_t address, Access access) {
  const uint64_t at = address & pvmmu::kPageMask;
  const bool is_write = access == Access::kWrite;
  auto found = entries_.find(at);
  if (found == entries_.end() || (is_write && !found->second.writable)) {
    Page* page = nullptr;
    if (get_user_page(*mm_, address, access, page) != FaultResult::kResolved) {
      throw SegmentationFault();
    }
    require(open_.empty(), "a page is taken up while a range is open");
    found = entries_.insert_or_assign(at, Entry{page, is_write, false}).first;
    frame_put(*page);
  }
  found->second.young = true;
  return found->second;
}

bool FakeSecondary::holds(uint64_t address) const {
  return entries_.contains(address & pvmmu::kPageMask);
}

bool FakeSecondary::holds_writable(uint64_t address) const {
  const auto found = entries_.find(address & pvmmu::kPageMask);
  return found != entries_.end() && found->second.writable;
}

void FakeSecondary::check_entry(uint64_t address, const Entry& entry) const {
  const UserPte pte = pte_of(*mm_, address);
  require(pte.present() && pte.has_page() && &page_of(pte.frame()) == entry.page,
          "an entry without its pte");
  require(!entry.writable || (pte.writable() && pte.dirty()),
          "an entry that may write without a pte that may, or that is clean");
}

void FakeSecondary::check_in_use() const {
  for (const auto& [address, entry] : entries_) {
    require(entry.page->references != 0, "a page is free that an entry names");
  }
}

void FakeSecondary::check() const {
  require(told_.starts == told_.ends && open_.empty(), "a range that does not end");
  check_in_use();
  for (const auto& [address, entry] : entries_) {
    check_entry(address, entry);
  }
}

void FakeSecondary::range_start(uint64_t start, uint64_t end) {
  require(mm_->lock.held_here() && table_locks_held() == 0, "told with the wrong locks");
  require(start < end && ((start | end) & ~pvmmu::kPageMask) == 0, "a range that is none");
  ++told_.starts;
  check_in_use();
  const auto first = entries_.lower_bound(start), last = entries_.lower_bound(end);
  std::for_each(first, last, [this](const auto& held) { check_entry(held.first, held.second); });
  entries_.erase(first, last);
  open_.push_back({start, end});
}

void FakeSecondary::range_end(uint64_t start, uint64_t end) {
  require(mm_->lock.held_here() && table_locks_held() == 0, "told with the wrong locks");
  ++told_.ends;
  require(!open_.empty() && open_.back().start == start && open_.back().end == end,
          "the end of another range");
  open_.pop_back();
}

void FakeSecondary::invalidate_page(uint64_t address) {
  require(mm_->lock.held_here() && table_locks_held() == 0, "told with the wrong locks");
  ++told_.pages;
  check_in_use();
  entries_.erase(address);
}

void FakeSecondary::clear_young(uint64_t start, unsigned page_count, uint64_t* young) {
  ++told_.ages;
  for (unsigned i = 0; i < page_count; ++i) {
    const auto found = entries_.find(start + i * pvmmu::kPageSize);
    if (found != entries_.end() && found->second.young) {
      young[i / 64] |= uint64_t{1} << (i % 64);
      found->second.young = false;
    }
  }
}

void FakeSecondary::release() {
  check_in_use();
  ++told_.releases;
  entries_.clear();
  mm_ = nullptr;
}

}  // namespace kernel::test
