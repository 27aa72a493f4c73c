// Long work in pieces: every cut leaves books that a recount agrees with, goes on from where it
// was, and ends where one uninterrupted call would have; and what other vCPUs do in between finds
// the tables in progress either continued or out of reach.
#include <algorithm>

#include "test_domain.h"

namespace pvmmu::testing {
namespace {

class PreemptionTest : public DomainTest {
 protected:
  // Every call stops after so many steps; 0: never.
  void cut_every(uint32_t steps) {
    if (steps == 0) {
      platform.allow = nullptr;
    } else {
      platform.allow = [steps](bool, uint64_t made) -> uint32_t {
        return made < steps ? static_cast<uint32_t>(steps - made) : 0;
      };
    }
  }
  // Places the operation in guest memory and makes the first piece of the call.
  int64_t begin(unsigned command, Mfn frame) {
    const ::mmuext_op made = operation(command, frame.raw());
    std::memcpy(platform.bytes(Maddr(kRequests, 0)), &made, sizeof made);
    return go_on();
  }
  int64_t go_on() {
    return mmu.mmuext_op(call, address_of(kRequests), 1, LinearAddr(0), DOMID_SELF);
  }
  // Pieces until the end, with a recount after each. Fails if there is no end.
  int64_t to_the_end(int64_t result, unsigned* pieces = nullptr) {
    unsigned made = 1;
    for (; result == kPreempted && made < 5'000; ++made) {
      audit_agrees();
      if (HasFailure()) return result;
      result = go_on();
    }
    if (pieces != nullptr) *pieces = made;
    audit_agrees();
    return result;
  }
  // An L4 tree with several tables on each level, a same-level entry, an entry without USER, and
  // present entries in the last slots. Returns the tables, root first.
  std::vector<Mfn> build_wide_tree(Mfn data) {
    const auto first = build_tables(PtLevel::kL4, data);
    const auto second = build_tables(PtLevel::kL3, data);
    set(first[0], 511, entry_of(second[0], kFlagsRo));
    set(first[0], 5, entry_of(first[0], kFlagsRo));
    set(first[1], 511, entry_of(second[1], kFlagsRo));
    set(first[2], 9, entry_of(second[2], kFlagsRo & ~kPteUser));
    set(second[2], 7, entry_of(data, kFlagsRo));
    std::vector<Mfn> tables = first;
    tables.insert(tables.end(), second.begin(), second.end());
    return tables;
  }
  std::vector<uint64_t> contents(const std::vector<Mfn>& frames) {
    std::vector<uint64_t> words;
    for (const Mfn frame : frames) {
      for (unsigned slot = 0; slot < kEntriesPerTable; ++slot) words.push_back(get(frame, slot));
    }
    return words;
  }
  void restore(const std::vector<Mfn>& frames, const std::vector<uint64_t>& words) {
    for (size_t i = 0; i < frames.size(); ++i) {
      for (unsigned slot = 0; slot < kEntriesPerTable; ++slot) {
        set(frames[i], slot, words[i * kEntriesPerTable + slot]);
      }
    }
  }
};

TEST_F(PreemptionTest, AnyCutEndsAsNoCut) {
  const auto tree = build_wide_tree(kData);
  const auto before = contents(tree);
  ASSERT_EQ(ext(MMUEXT_PIN_L4_TABLE, tree[0]), 0);
  const auto pinned = contents(tree);
  ASSERT_EQ(ext(MMUEXT_UNPIN_TABLE, tree[0]), 0);
  const MmuCounters whole = counters;
  for (const uint32_t steps : {1u, 2u, 3u, 7u}) {
    restore(tree, before);
    counters = MmuCounters{};
    cut_every(steps);
    unsigned pieces = 0;
    ASSERT_EQ(to_the_end(begin(MMUEXT_PIN_L4_TABLE, tree[0]), &pieces), 0) << steps;
    if (steps == 1) {
      EXPECT_GT(pieces, 15u);
    }
    EXPECT_EQ(contents(tree), pinned) << steps;
    ASSERT_EQ(to_the_end(begin(MMUEXT_UNPIN_TABLE, tree[0]), &pieces), 0) << steps;
    if (steps == 1) {
      EXPECT_GT(pieces, 5u);
    }
    EXPECT_EQ(counters.promotions, whole.promotions);
    EXPECT_EQ(counters.demotions, whole.demotions);
    EXPECT_EQ(counters.entries_validated, whole.entries_validated);
    EXPECT_EQ(counters.ops_mmuext, 2u);
    for (const Mfn table : tree) EXPECT_EQ(info(table).type, PageType::kNone);
  }
}

TEST_F(PreemptionTest, ARefusedPromotionIsUndoneInPieces) {
  const auto tree = build_wide_tree(kData);
  set(tree[3], 500, entry_of(tree[0], kFlagsRw));  // the root, writable, deep below it
  const auto before = contents(tree);
  std::vector<uint32_t> totals;
  for (const Mfn table : tree) totals.push_back(info(table).total_count);
  const MmuCounters start = counters;
  refusal = Refusal{};
  EXPECT_REFUSED(ext(MMUEXT_PIN_L4_TABLE, tree[0]), kEBUSY, kNoWritableTable);
  const Refusal whole = refusal;
  const MmuCounters uncut = counters;
  counters = start;
  cut_every(1);
  refusal = Refusal{};
  EXPECT_REFUSED(to_the_end(begin(MMUEXT_PIN_L4_TABLE, tree[0])), kEBUSY, kNoWritableTable);
  EXPECT_STREQ(refusal.operation, whole.operation);
  EXPECT_EQ(refusal.table, whole.table);
  EXPECT_EQ(refusal.slot, whole.slot);
  EXPECT_EQ(refusal.frame, whole.frame);
  EXPECT_EQ(contents(tree), before);
  EXPECT_EQ(counters.failed_promotions, uncut.failed_promotions);
  EXPECT_EQ(counters.refusals, uncut.refusals);
  EXPECT_EQ(counters.promotions, uncut.promotions);
  EXPECT_EQ(counters.demotions, uncut.demotions);
  for (size_t i = 0; i < tree.size(); ++i) {
    EXPECT_EQ(info(tree[i]).type, PageType::kNone);
    EXPECT_EQ(info(tree[i]).total_count, totals[i]);
  }
}

// The request in work is the one that was read first, whatever the guest writes there meanwhile.
TEST_F(PreemptionTest, TheRequestIsReadOnce) {
  const auto tree = build_wide_tree(kData);
  cut_every(1);
  ASSERT_EQ(begin(MMUEXT_PIN_L4_TABLE, tree[0]), kPreempted);
  const ::mmuext_op other = operation(MMUEXT_UNPIN_TABLE, 0);
  std::memcpy(platform.bytes(Maddr(kRequests, 0)), &other, sizeof other);
  EXPECT_EQ(to_the_end(kPreempted), 0);
  EXPECT_TRUE(info(tree[0]).pinned);
}

class MeanwhileTest : public PreemptionTest {
 protected:
  MmuCounters other_counters;
  Refusal other_refusal;
  Call other{VcpuId{1}, other_counters, other_refusal, true};

  void SetUp() override { ASSERT_EQ(mmu.set_initial_base_pointer(VcpuId{1}, root()), 0); }
  // A whole call of vCPU 1, not cut.
  int64_t other_ext(unsigned command, Mfn frame) {
    const auto allow = platform.allow;
    platform.allow = nullptr;
    const ::mmuext_op made = operation(command, frame.raw());
    std::memcpy(platform.bytes(Maddr(Mfn(kRequests.raw() + 1), 0)), &made, sizeof made);
    const int64_t result =
        mmu.mmuext_op(other, address_of(Mfn(kRequests.raw() + 1)), 1, LinearAddr(0), DOMID_SELF);
    platform.allow = allow;
    return result;
  }
};

// At every cut of a pin, another vCPU pins the same table, or a part of it, and both calls end as
// if one had come after the other.
TEST_F(MeanwhileTest, AnotherTakesOverAPin) {
  const auto tree = build_wide_tree(kData);
  cut_every(1);
  unsigned pieces = 0;
  const auto before = contents(tree);
  ASSERT_EQ(to_the_end(begin(MMUEXT_PIN_L4_TABLE, tree[0]), &pieces), 0);
  ASSERT_EQ(to_the_end(begin(MMUEXT_UNPIN_TABLE, tree[0])), 0);
  for (size_t part = 0; part < tree.size(); ++part) {
    const unsigned level =
        part < 4 ? 4 - static_cast<unsigned>(part) : 7 - static_cast<unsigned>(part);
    for (unsigned cut = 1; cut < pieces; ++cut) {
      SCOPED_TRACE(::testing::Message() << "part " << part << " cut " << cut);
      restore(tree, before);
      int64_t result = begin(MMUEXT_PIN_L4_TABLE, tree[0]);
      for (unsigned i = 1; i < cut; ++i) result = go_on();
      ASSERT_EQ(result, kPreempted);
      ASSERT_EQ(other_ext(MMUEXT_PIN_L1_TABLE + level - 1, tree[part]), 0);
      EXPECT_TRUE(info(tree[part]).whole());
      audit_agrees();
      // The second pin of one frame is refused, in whichever order they come.
      EXPECT_EQ(to_the_end(go_on()), part == 0 ? return_value(Errno::kEINVAL) : 0);
      ASSERT_EQ(other_ext(MMUEXT_UNPIN_TABLE, tree[part]), 0);
      if (part != 0) {
        ASSERT_EQ(to_the_end(begin(MMUEXT_UNPIN_TABLE, tree[0])), 0);
      }
      for (const Mfn table : tree) ASSERT_EQ(info(table).type, PageType::kNone);
    }
  }
}

// At every cut of an unpin another vCPU pins the root again: it gets a whole table, and the first
// call lets go of nothing that is not its own.
TEST_F(MeanwhileTest, AnotherTurnsATeardownRound) {
  const auto tree = build_wide_tree(kData);
  cut_every(1);
  ASSERT_EQ(to_the_end(begin(MMUEXT_PIN_L4_TABLE, tree[0])), 0);
  unsigned pieces = 0;
  ASSERT_EQ(to_the_end(begin(MMUEXT_UNPIN_TABLE, tree[0]), &pieces), 0);
  for (unsigned cut = 1; cut < pieces; ++cut) {
    SCOPED_TRACE(cut);
    ASSERT_EQ(other_ext(MMUEXT_PIN_L4_TABLE, tree[0]), 0);
    int64_t result = begin(MMUEXT_UNPIN_TABLE, tree[0]);
    for (unsigned i = 1; i < cut; ++i) result = go_on();
    ASSERT_EQ(result, kPreempted);
    ASSERT_EQ(other_ext(MMUEXT_PIN_L4_TABLE, tree[0]), 0);
    EXPECT_TRUE(info(tree[0]).whole());
    EXPECT_EQ(to_the_end(go_on()), 0);
    EXPECT_TRUE(info(tree[0]).pinned);
    EXPECT_TRUE(info(tree[0]).whole());
    ASSERT_EQ(other_ext(MMUEXT_UNPIN_TABLE, tree[0]), 0);
    for (const Mfn table : tree) ASSERT_EQ(info(table).type, PageType::kNone);
    audit_agrees();
  }
}

// What is in progress is no memory and no table: no other request gets at it.
TEST_F(MeanwhileTest, ATableInProgressIsOutOfReach) {
  const auto tree = build_wide_tree(kData);
  cut_every(1);
  int64_t result = begin(MMUEXT_PIN_L4_TABLE, tree[0]);
  while (result == kPreempted) {
    for (const Mfn table : tree) {
      if (!info(table).in_progress) continue;
      const uint64_t was = get(table, 3);
      const ::mmu_update request{Maddr(table, 24).raw(), entry_of(kData, kFlagsRo)};
      std::memcpy(platform.bytes(Maddr(Mfn(kRequests.raw() + 1), 0)), &request, sizeof request);
      EXPECT_LT(
          mmu.mmu_update(other, address_of(Mfn(kRequests.raw() + 1)), 1, LinearAddr(0), DOMID_SELF),
          0);
      EXPECT_EQ(get(table, 3), was);
      EXPECT_NE(other_ext(MMUEXT_CLEAR_PAGE, table), 0);
      EXPECT_FALSE(mmu.get_writable(table));
    }
    result = go_on();
  }
  EXPECT_EQ(result, 0);
}

TEST_F(PreemptionTest, ArraysStopBetweenRequests) {
  const Mfn table = take_frame();
  ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE, table), 0);
  std::vector<::mmu_update> requests;
  for (unsigned slot = 0; slot < 20; ++slot) {
    requests.push_back({Maddr(table, slot * 8).raw(), entry_of(kData, kFlagsRo)});
  }
  requests[12].val = entry_of(root(), kFlagsRw);
  std::memcpy(platform.bytes(Maddr(kRequests, 0)), requests.data(),
              requests.size() * sizeof requests[0]);
  cut_every(1);
  int64_t result = kPreempted;
  unsigned pieces = 0;
  for (; result == kPreempted; ++pieces) {
    result = mmu.mmu_update(call, address_of(kRequests), 20, address_of(kDone), DOMID_SELF);
  }
  EXPECT_REFUSED(result, kEBUSY, kNoWritableTable);
  EXPECT_EQ(refusal.request, 12u);
  EXPECT_EQ(done(), 12u);
  EXPECT_EQ(pieces, 13u);
  EXPECT_EQ(get(table, 11), entry_of(kData, kFlagsRo));
  EXPECT_EQ(get(table, 13), 0u);
}

// `user` is refused after `kernel` passed: not one bit of either has changed.
TEST_F(PreemptionTest, RefusedBasePointersChangeNothing) {
  const auto kernel = build_wide_tree(kData);
  const auto user = build_tables(PtLevel::kL4, kData);
  set(user[3], 8, entry_of(root(), kFlagsRw));
  const auto before = contents(kernel);
  EXPECT_LT(mmu.set_initial_base_pointer(VcpuId{1}, kernel[0], user[0]), 0);
  EXPECT_EQ(contents(kernel), before);
  EXPECT_EQ(info(kernel[0]).type, PageType::kNone);
  audit_agrees();
}

}  // namespace
}  // namespace pvmmu::testing
