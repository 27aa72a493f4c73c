// The modelled powerpc machine: what becomes of hash entries as accessors are called, which slot a
// pte remembers, and what waits in the batch of lazy mode.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <random>
#include <vector>

#include "mm/address_space.h"
#include "pte_rules/powerpc_hash.h"

namespace kernel::pte_rules {
namespace {

constexpr uint64_t kPage = 0x1000;

UserPte entry(uint64_t frame, uint64_t prot = guest_abi::kProtRead | guest_abi::kProtWrite) {
  return UserPte::make(pvmmu::Mfn(frame), prot, true);
}
UserPte blocked(uint64_t frame) {
  return entry(frame, 0);
}

// A pte, and the record that stands for what it remembers.
struct Pte {
  Record record;
  UserPte value;
};

class Machine {
 public:
  Machine() { hash_.start(storage_.data()); }

  Pte& pte(const Mm& mm, uint64_t context, uint64_t address) {
    Pte& made = ptes_.emplace_back();
    made.record.mm = &mm;
    made.record.address = address;
    made.record.hash_page = HashPage(context, address);
    return made;
  }
  Pte& pte(uint64_t address = 0x10000000) { return pte(mm_, 1, address); }

  // As the checker does it; in lazy mode if that was entered.
  PteRule change(Pte& pte, PteEvent kind, UserPte after) {
    Change change;
    change.kind = kind;
    change.before = pte.value;
    change.after = after;
    change.live = true;
    change.lazy = lazy_;
    change.record = &pte.record;
    if (hash_.is_in_the_way(change, pte.record, vcpu_)) {
      make_batch();
    }
    const PteRule broken = hash_.follow(change, pte.record, vcpu_);
    if (hash_.is_full(vcpu_)) {
      make_batch();
    }
    note(pte, kind);
    // Between start and commit it stays in memory.
    pte.value = kind == PteEvent::kModifyStart ? pte.value : after;
    return broken;
  }
  // The shortest ways to write down a test.
  PteRule establish(Pte& pte, uint64_t frame) {
    return change(pte, PteEvent::kEstablish, entry(frame));
  }
  PteRule zap(Pte& pte) { return change(pte, PteEvent::kZap, UserPte()); }
  PteRule modify(Pte& pte, UserPte after) {
    const PteRule broken = change(pte, PteEvent::kModifyStart, UserPte());
    EXPECT_EQ(broken, PteRule::kNone);
    return change(pte, PteEvent::kModifyCommit, after);
  }
  void enter_lazy() { lazy_ = true; }
  void run_on(unsigned vcpu) { vcpu_ = vcpu; }
  void leave_lazy() {
    lazy_ = false;
    make_batch();
  }

  bool knows(const Pte& pte) const {
    return hash_.table().holds(pte.record.hash_page, pte.record.hash);
  }
  bool has(const Pte& pte) const { return hash_.table().has(pte.record.hash_page); }
  static bool waits(const Pte& pte) { return (pte.record.pending & kHashBatched) != 0; }
  PowerpcHash& hash() { return hash_; }
  const Mm& other_mm() const { return other_mm_; }
  std::deque<Pte>& ptes() { return ptes_; }

 private:
  void note(Pte& pte, PteEvent kind) {
    pte.record.pending &= ~uint32_t{kOpen};
    if (kind == PteEvent::kModifyStart) {
      pte.record.pending |= kOpen;
      pte.record.started = pte.value.raw();
    }
  }
  void make_batch() {
    hash_.make_batch(vcpu_,
                     [](const Record& record) { EXPECT_EQ(record.pending & kHashBatched, 0u); });
  }

  std::vector<uint64_t> storage_ =
      std::vector<uint64_t>((PowerpcHash::kStorageBytes + 7) / sizeof(uint64_t));
  PowerpcHash hash_;
  VmaPool pool_;
  Mm mm_{pool_};
  Mm other_mm_{pool_};
  bool lazy_ = false;
  unsigned vcpu_ = 0;
  std::deque<Pte> ptes_;
};

TEST(PowerpcHash, AValidPteIsInTheTableAndKnowsWhere) {
  Machine machine;
  Pte& pte = machine.pte();
  EXPECT_FALSE(pte.record.hash.hashed());
  EXPECT_EQ(machine.change(pte, PteEvent::kEstablish, blocked(5)), PteRule::kNone);
  EXPECT_FALSE(machine.has(pte)) << "no processor sees it";
  EXPECT_EQ(machine.establish(pte, 5), PteRule::kNone);
  EXPECT_TRUE(machine.knows(pte));
  EXPECT_EQ(machine.zap(pte), PteRule::kNone);
  EXPECT_FALSE(machine.has(pte)) << "outside lazy mode it goes at once";
  EXPECT_FALSE(pte.record.hash.hashed());
}

TEST(PowerpcHash, InLazyModeItWaitsInTheBatch) {
  Machine machine;
  Pte& zapped = machine.pte();
  Pte& kept = machine.pte(0x10001000);
  machine.establish(zapped, 5);
  machine.establish(kept, 6);
  machine.enter_lazy();
  machine.zap(zapped);
  machine.change(kept, PteEvent::kWriteProtect, kept.value.write_protected());
  for (const Pte* pte : {&zapped, &kept}) {
    EXPECT_TRUE(machine.has(*pte));
    EXPECT_TRUE(Machine::waits(*pte));
  }
  EXPECT_FALSE(machine.knows(zapped)) << "a cleared pte has forgotten it";
  EXPECT_TRUE(machine.knows(kept)) << "one that lost a right only remembers";
  machine.leave_lazy();
  for (const Pte* pte : {&zapped, &kept}) {
    EXPECT_FALSE(machine.has(*pte));
    EXPECT_FALSE(Machine::waits(*pte));
  }
  machine.change(kept, PteEvent::kClearYoung, kept.value);
  EXPECT_EQ(machine.hash().table().inserted(), 3u) << "a processor had faulted it in again";
}

TEST(PowerpcHash, SettingOverAValidPteForgetsItsSlot) {
  Machine machine;
  Pte& pte = machine.pte();
  machine.establish(pte, 5);
  EXPECT_EQ(machine.establish(pte, 6), PteRule::kSetOverValid);
  EXPECT_EQ(machine.change(pte, PteEvent::kModifyNaive, blocked(6)), PteRule::kSetOverValid);
  EXPECT_EQ(machine.change(pte, PteEvent::kModifyNaive, entry(6)), PteRule::kNone);
  EXPECT_EQ(machine.change(pte, PteEvent::kEstablish, UserPte()), PteRule::kSetOverValid);
  EXPECT_FALSE(machine.has(pte)) << "each is told once";
}

TEST(PowerpcHash, ClearAndSetInOneSectionIsTheMistakeOf2008) {
  Machine machine;
  Pte& pte = machine.pte();
  machine.establish(pte, 5);
  machine.zap(pte);
  EXPECT_EQ(machine.establish(pte, 5), PteRule::kNone) << "outside lazy mode it is right";
  machine.enter_lazy();
  machine.zap(pte);
  EXPECT_EQ(machine.change(pte, PteEvent::kEstablish, blocked(5)), PteRule::kNone);
  EXPECT_EQ(machine.establish(pte, 5), PteRule::kValidOverHashed);
  machine.leave_lazy();
  machine.zap(pte);
  EXPECT_EQ(machine.establish(pte, 5), PteRule::kNone);
}

TEST(PowerpcHash, ATransactionCarriesTheSlot) {
  Machine machine;
  Pte& pte = machine.pte();
  machine.establish(pte, 5);
  machine.enter_lazy();
  EXPECT_EQ(machine.modify(pte, blocked(5)), PteRule::kNone);
  EXPECT_TRUE(machine.knows(pte)) << "no processor sees it, but it is not flushed";
  EXPECT_EQ(machine.modify(pte, entry(5)), PteRule::kNone) << "so a fault finds the entry it has";
  EXPECT_EQ(machine.hash().table().inserted(), 1u);
  EXPECT_EQ(machine.modify(pte, entry(6)), PteRule::kHashedStateLost);
  machine.leave_lazy();
}

TEST(PowerpcHash, WhatWasNeverHashedHasNothingToLose) {
  Machine machine;
  Pte& pte = machine.pte();
  machine.change(pte, PteEvent::kEstablish, blocked(5));
  EXPECT_EQ(machine.modify(pte, entry(6)), PteRule::kNone);
  EXPECT_TRUE(machine.knows(pte));
}

TEST(PowerpcHash, AReplacementInASectionMakesASecondEntry) {
  Machine machine;
  Pte& pte = machine.pte();
  machine.establish(pte, 5);
  EXPECT_EQ(machine.change(pte, PteEvent::kReplace, entry(6)), PteRule::kNone);
  machine.enter_lazy();
  EXPECT_EQ(machine.change(pte, PteEvent::kReplace, entry(7)), PteRule::kDuplicateHash);
  machine.leave_lazy();
}

TEST(PowerpcHash, ABatchIsMadeWhenItIsFull) {
  Machine machine;
  for (unsigned i = 0; i < HashBatch::kRoom + 1; ++i) {
    machine.establish(machine.pte(0x10000000 + i * kPage), 5 + i);
  }
  machine.enter_lazy();
  for (unsigned i = 0; i < HashBatch::kRoom - 1; ++i) {
    machine.zap(machine.ptes()[i]);
  }
  Pte& last = machine.ptes()[HashBatch::kRoom - 1];
  Pte& behind = machine.ptes()[HashBatch::kRoom];
  EXPECT_TRUE(machine.has(machine.ptes()[0]));
  machine.zap(last);
  EXPECT_FALSE(machine.has(machine.ptes()[0]));
  EXPECT_FALSE(machine.has(last));
  EXPECT_EQ(machine.establish(last, 5), PteRule::kNone) << "flushed, as it happens";
  machine.zap(behind);
  EXPECT_TRUE(Machine::waits(behind));
  machine.leave_lazy();
}

TEST(PowerpcHash, ABatchIsOfOneAddressSpace) {
  Machine machine;
  Pte& one = machine.pte();
  Pte& other = machine.pte(machine.other_mm(), 2, 0x10000000);
  machine.establish(one, 5);
  machine.establish(other, 5);
  EXPECT_NE(one.record.hash_page, other.record.hash_page);
  machine.enter_lazy();
  machine.zap(one);
  machine.establish(machine.pte(machine.other_mm(), 2, 0x10001000), 6);
  EXPECT_TRUE(machine.has(one)) << "nothing of the other joined it";
  machine.zap(other);
  EXPECT_FALSE(machine.has(one));
  EXPECT_TRUE(machine.has(other));
  machine.leave_lazy();
  EXPECT_FALSE(machine.has(other));
}

// Pages of one group each.
constexpr uint64_t kSameGroup = HashTable::kGroups * kPage;

TEST(PowerpcHash, AStaleSlotIsNobodyElsesLoss) {
  Machine machine;
  Pte& blocked_one = machine.pte();
  machine.establish(blocked_one, 5);
  machine.modify(blocked_one, blocked(5));
  EXPECT_FALSE(machine.has(blocked_one));
  EXPECT_TRUE(blocked_one.record.hash.hashed()) << "a pte keeps its bits without its entry";
  Pte& owner = machine.pte(0x10000000 + kSameGroup);
  machine.establish(owner, 6);
  ASSERT_EQ(owner.record.hash, blocked_one.record.hash);
  machine.enter_lazy();
  EXPECT_EQ(machine.zap(blocked_one), PteRule::kNone);
  EXPECT_TRUE(Machine::waits(blocked_one));
  machine.leave_lazy();
  EXPECT_TRUE(machine.knows(owner));
}

// Eight pages in each of two groups, and one more.
TEST(PowerpcHash, WhoHadToMakeRoomIsNotAccused) {
  Machine machine;
  for (uint64_t i = 0; i < 2 * HashTable::kSlotsPerGroup + 1; ++i) {
    EXPECT_EQ(machine.establish(machine.pte(i * kSameGroup), 5 + i), PteRule::kNone);
  }
  const auto lost = std::find_if(machine.ptes().begin(), machine.ptes().end(),
                                 [&](const Pte& pte) { return !machine.has(pte); });
  ASSERT_NE(lost, machine.ptes().end());
  EXPECT_TRUE(lost->record.hash.hashed()) << "it has not been told";
  machine.enter_lazy();
  for (Pte& pte : machine.ptes()) {
    EXPECT_EQ(machine.change(pte, PteEvent::kClean, pte.value.cleaned()), PteRule::kNone);
    EXPECT_TRUE(machine.knows(pte)) << "it was faulted in before";
    EXPECT_EQ(machine.zap(pte), PteRule::kNone);
  }
  machine.leave_lazy();
  for (const Pte& pte : machine.ptes()) {
    EXPECT_FALSE(machine.has(pte));
  }
  EXPECT_GT(machine.hash().table().evicted(), 1u);
}

TEST(PowerpcHash, WhoIsForgottenLeavesTheTable) {
  Machine machine;
  Pte& idle = machine.pte();
  Pte& waiting = machine.pte(0x10001000);
  machine.establish(idle, 5);
  machine.establish(waiting, 6);
  machine.hash().forget(idle.record);
  EXPECT_FALSE(machine.has(idle));
  machine.enter_lazy();
  machine.zap(waiting);
  machine.hash().forget(waiting.record);
  // The record is about another entry now, which waits elsewhere.
  waiting.record.hash_page = HashPage(3, 0x20000000);
  waiting.record.pending = 0;
  machine.run_on(1);
  machine.establish(waiting, 7);
  machine.zap(waiting);
  machine.run_on(0);
  machine.leave_lazy();
  EXPECT_FALSE(machine.hash().table().has(HashPage(1, 0x10001000)));
  EXPECT_TRUE(machine.has(waiting));
  EXPECT_TRUE(Machine::waits(waiting));
  machine.run_on(1);
  machine.leave_lazy();
  EXPECT_FALSE(machine.has(waiting));
}

// Changes that keep the rules, of more ptes than the table has room for.
class RandomChanges {
 public:
  explicit RandomChanges(unsigned seed) : random_(seed) {
    for (uint64_t i = 0; i < kPtes; ++i) {
      machine_.pte(0x10000000 + i * kPage);
    }
  }
  void section() {
    const bool lazy = pick(2) != 0;
    const uint64_t first = pick(kPtes - kInSection);
    if (lazy) {
      machine_.enter_lazy();
    }
    for (uint64_t i = 0; i < kInSection; ++i) {
      EXPECT_EQ(change(machine_.ptes()[first + i], lazy), PteRule::kNone);
    }
    if (lazy) {
      machine_.leave_lazy();
    }
  }
  // Nothing is in the table that no pte knows of, and no pte that is not valid is.
  void check() {
    uint64_t known = 0;
    for (const Pte& pte : machine_.ptes()) {
      ASSERT_EQ(machine_.has(pte), machine_.knows(pte));
      ASSERT_TRUE(pte.value.present() || !machine_.has(pte));
      ASSERT_FALSE(Machine::waits(pte));
      known += machine_.knows(pte) ? 1 : 0;
    }
    EXPECT_GT(known, 250u);
  }
  uint64_t evicted() { return machine_.hash().table().evicted(); }

 private:
  static constexpr uint64_t kPtes = 3000;
  static constexpr uint64_t kInSection = 250;
  uint64_t pick(uint64_t count) { return random_() % count; }

  PteRule change(Pte& pte, bool lazy) {
    const uint64_t frame = 1 + pick(1000);
    if (!pte.value.has_frame()) {
      return machine_.establish(pte, frame);
    }
    if (pte.value.blocked()) {
      return machine_.modify(pte, entry(pte.value.frame().raw()));
    }
    switch (pick(8)) {
      case 0:
        return machine_.zap(pte);
      case 1:
        return machine_.modify(pte, blocked(pte.value.frame().raw()));
      case 2:
        return machine_.change(pte, PteEvent::kWriteProtect, pte.value.write_protected());
      case 3:
        return lazy ? PteRule::kNone : machine_.change(pte, PteEvent::kReplace, entry(frame));
      default:
        return machine_.change(pte, PteEvent::kClearYoung, pte.value);
    }
  }

  std::mt19937_64 random_;
  Machine machine_;
};

TEST(PowerpcHash, RandomChangesThatKeepTheRulesBreakNone) {
  for (unsigned seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE(seed);
    RandomChanges random(seed);
    for (unsigned i = 0; i < 400; ++i) {
      random.section();
    }
    random.check();
    EXPECT_GT(random.evicted(), 100u);
  }
}

}  // namespace
}  // namespace kernel::pte_rules
