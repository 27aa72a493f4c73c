// Long work in pieces: every cut leaves books that a recount agrees with, goes on from where it
// was, and ends where one uninterrupted call would have.
#include "cut_calls.h"

namespace pvmmu::testing {
namespace {

using PreemptionTest = CutCallsTest;

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

// The tables are walked only when the whole tree is stored.
TEST_F(PreemptionTest, NoWalkThroughARootInProgress) {
  const auto tree = build_wide_tree(kData);
  cut_every(1);
  int64_t result = begin(MMUEXT_PIN_L4_TABLE, tree[0]);
  while (result == kPreempted) {
    ASSERT_EQ(info(tree[0]).type, PageType::kL4);
    ASSERT_EQ(mmu.walk(tree[0], LinearAddr(0), Access{}).step_count, 0u);
    result = go_on();
  }
  EXPECT_EQ(result, 0);
  EXPECT_TRUE(mmu.walk(tree[0], LinearAddr(0), Access{}).ok);
}

struct LowLimitInPieces : CutCallsTest {
  LowLimitInPieces() : CutCallsTest(MmuConfig{.count_limit = 5}) {}
};

// The reference of the frame's own is passed on, so that the call is not refused half-way because
// of what it holds itself.
TEST_F(LowLimitInPieces, APromotionGoesOnAtTheLimit) {
  const auto tables = build_tables(PtLevel::kL2, kData);
  set(tables[0], 7, get(tables[0], 0));
  const Mfn users = take_frame();
  ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE, users), 0);
  for (unsigned slot = 0; slot < 3; ++slot) {
    ASSERT_EQ(update(Maddr(users, slot * 8), entry_of(tables[0], kFlagsRo)), 0);
  }
  cut_every(1);
  ASSERT_EQ(begin(MMUEXT_PIN_L2_TABLE, tables[0]), kPreempted);
  EXPECT_EQ(info(tables[0]).total_count, 5u);
  EXPECT_EQ(to_the_end(go_on()), 0);
  EXPECT_EQ(info(tables[0]).total_count, 5u);
  EXPECT_TRUE(info(tables[0]).whole());
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
