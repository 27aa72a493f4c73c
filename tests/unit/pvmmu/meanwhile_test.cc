// What other vCPUs do between the pieces of a call: they find the tables in progress either
// continued or out of reach, and all calls end as if one had come after the other.
#include <utility>

#include "cut_calls.h"

namespace pvmmu::testing {
namespace {

// A vCPU beside the first, with a page of its own for its requests, one in each call.
class OtherVcpu {
 public:
  OtherVcpu(Mmu& mmu, FakePlatform& platform, VcpuId id, Mfn page, LinearAddr address)
      : mmu_(mmu), platform_(platform), page_(page), address_(address), id_(id) {}

  // The first piece of a call.
  int64_t begin(const ::mmuext_op& request) { return place(&request, sizeof request, false); }
  int64_t begin(const ::mmu_update& request) { return place(&request, sizeof request, true); }
  int64_t go_on() {
    if (updates_) return mmu_.mmu_update(call_, address_, 1, LinearAddr(0), DOMID_SELF);
    return mmu_.mmuext_op(call_, address_, 1, LinearAddr(0), DOMID_SELF);
  }
  // The rest of the call, or all of one, not cut.
  int64_t finish() {
    const auto allow = std::exchange(platform_.allow, nullptr);
    const int64_t result = go_on();
    platform_.allow = allow;
    return result;
  }
  template <typename Request>
  int64_t whole(const Request& request) {
    const auto allow = std::exchange(platform_.allow, nullptr);
    const int64_t result = begin(request);
    platform_.allow = allow;
    return result;
  }
  const Refusal& refusal() const { return refusal_; }

 private:
  int64_t place(const void* request, size_t size, bool updates) {
    std::memcpy(platform_.bytes(Maddr(page_, 0)), request, size);
    updates_ = updates;
    return go_on();
  }

  Mmu& mmu_;
  FakePlatform& platform_;
  const Mfn page_;
  const LinearAddr address_;
  const VcpuId id_;
  bool updates_ = false;
  MmuCounters counters_;
  Refusal refusal_;
  Call call_{id_, counters_, refusal_, true};
};

class MeanwhileTest : public CutCallsTest {
 protected:
  MeanwhileTest() : CutCallsTest(MmuConfig{}, 3) {}
  void SetUp() override {
    ASSERT_EQ(mmu.set_initial_base_pointer(VcpuId{1}, root()), 0);
    ASSERT_EQ(mmu.set_initial_base_pointer(VcpuId{2}, root()), 0);
  }
  OtherVcpu vcpu(unsigned number) {
    const Mfn page(kRequests.raw() + number);
    return OtherVcpu(mmu, platform, VcpuId{number}, page, address_of(page));
  }
  OtherVcpu second = vcpu(1), third = vcpu(2);
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
      ASSERT_EQ(second.whole(operation(MMUEXT_PIN_L1_TABLE + level - 1, tree[part].raw())), 0);
      EXPECT_TRUE(info(tree[part]).whole());
      audit_agrees();
      // The second pin of one frame is refused, in whichever order they come.
      EXPECT_EQ(to_the_end(go_on()), part == 0 ? return_value(Errno::kEINVAL) : 0);
      ASSERT_EQ(second.whole(operation(MMUEXT_UNPIN_TABLE, tree[part].raw())), 0);
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
    ASSERT_EQ(second.whole(operation(MMUEXT_PIN_L4_TABLE, tree[0].raw())), 0);
    int64_t result = begin(MMUEXT_UNPIN_TABLE, tree[0]);
    for (unsigned i = 1; i < cut; ++i) result = go_on();
    ASSERT_EQ(result, kPreempted);
    ASSERT_EQ(second.whole(operation(MMUEXT_PIN_L4_TABLE, tree[0].raw())), 0);
    EXPECT_TRUE(info(tree[0]).whole());
    EXPECT_EQ(to_the_end(go_on()), 0);
    EXPECT_TRUE(info(tree[0]).pinned);
    EXPECT_TRUE(info(tree[0]).whole());
    ASSERT_EQ(second.whole(operation(MMUEXT_UNPIN_TABLE, tree[0].raw())), 0);
    for (const Mfn table : tree) ASSERT_EQ(info(table).type, PageType::kNone);
    audit_agrees();
  }
}

// At every cut of an unpin another vCPU pins a part of the tree: it keeps what it pinned, and the
// first call goes on with the rest.
TEST_F(MeanwhileTest, AnotherKeepsAPartOfATeardown) {
  const auto tree = build_wide_tree(kData);
  cut_every(1);
  ASSERT_EQ(to_the_end(begin(MMUEXT_PIN_L4_TABLE, tree[0])), 0);
  unsigned pieces = 0;
  ASSERT_EQ(to_the_end(begin(MMUEXT_UNPIN_TABLE, tree[0]), &pieces), 0);
  for (size_t part = 1; part < tree.size(); ++part) {
    const auto level = static_cast<unsigned>((part < 4 ? 4 : 7) - part);
    for (unsigned cut = 1; cut < pieces; ++cut) {
      SCOPED_TRACE(::testing::Message() << "part " << part << " cut " << cut);
      ASSERT_EQ(second.whole(operation(MMUEXT_PIN_L4_TABLE, tree[0].raw())), 0);
      int64_t result = begin(MMUEXT_UNPIN_TABLE, tree[0]);
      for (unsigned i = 1; i < cut; ++i) result = go_on();
      ASSERT_EQ(result, kPreempted);
      ASSERT_EQ(second.whole(operation(MMUEXT_PIN_L1_TABLE + level - 1, tree[part].raw())), 0);
      EXPECT_EQ(to_the_end(go_on()), 0);
      EXPECT_TRUE(info(tree[part]).whole());
      EXPECT_EQ(info(tree[0]).type, PageType::kNone);
      ASSERT_EQ(second.whole(operation(MMUEXT_UNPIN_TABLE, tree[part].raw())), 0);
      for (const Mfn table : tree) ASSERT_EQ(info(table).type, PageType::kNone);
    }
  }
}

// A pinned L3 table `user`, and another L3 table `used` that stops where a test wants it: its
// entries lack USER, so they have to be stored.
class SameLevelMeanwhile : public MeanwhileTest {
 protected:
  void SetUp() override {
    MeanwhileTest::SetUp();
    ASSERT_EQ(ext(MMUEXT_PIN_L3_TABLE, user), 0);
    const auto tables = build_tables(PtLevel::kL3, kData);
    used = tables[0];
    for (unsigned slot = 0; slot < 3; ++slot) {
      set(used, slot, entry_of(tables[1], kFlagsRw & ~kPteUser));
    }
    cut_every(1);
  }
  bool being_validated() {
    return info(used).in_progress && info(used).validation == Validation::kUnvalidated;
  }
  bool being_stored() {
    return info(used).in_progress && info(used).validation == Validation::kValidated;
  }
  ::mmu_update name_it() const { return {Maddr(user, 0).raw(), entry_of(used, kFlagsRo)}; }
  // The first vCPU's pin is refused for an entry that another then makes good, and stops while it
  // takes back what it had. The second vCPU pins the table and stops while it stores.
  void stop_a_teardown_and_a_pin();

  const Mfn user = take_frame();
  Mfn used;
};

void SameLevelMeanwhile::stop_a_teardown_and_a_pin() {
  const Mfn last = take_frame();
  set(used, 9, entry_of(last, kFlagsRw));
  const Maddr mapping = mapping_of(last);
  ASSERT_EQ(second.whole(::mmu_update{mapping.raw(), entry_of(last, kFlagsRw)}), 0);
  ASSERT_EQ(begin(MMUEXT_PIN_L3_TABLE, used), kPreempted);
  while (counters.failed_promotions == 0) ASSERT_EQ(go_on(), kPreempted);
  ASSERT_TRUE(being_validated());
  ASSERT_EQ(second.whole(::mmu_update{mapping.raw(), entry_of(last, kFlagsRo)}), 0);
  ASSERT_EQ(second.begin(operation(MMUEXT_PIN_L3_TABLE, used.raw())), kPreempted);
  while (!being_stored()) ASSERT_EQ(second.go_on(), kPreempted);
  audit_agrees();
}

TEST_F(SameLevelMeanwhile, NoEntryNamesATableThatIsBeingValidated) {
  int64_t result = begin(MMUEXT_PIN_L3_TABLE, used);
  ASSERT_TRUE(being_validated());
  while (being_validated()) {
    ASSERT_EQ(second.whole(name_it()), return_value(Errno::kEINVAL));
    EXPECT_EQ(second.refusal().rule, Rule::kEntryTarget);
    EXPECT_EQ(get(user, 0), 0u);
    result = go_on();
  }
  EXPECT_EQ(to_the_end(result), 0);
  EXPECT_EQ(second.whole(name_it()), 0);
}

// One that is being stored may be named: who names it stores the rest, in pieces too.
TEST_F(SameLevelMeanwhile, AnEntryStoresTheRest) {
  ASSERT_EQ(begin(MMUEXT_PIN_L3_TABLE, used), kPreempted);
  while (!being_stored()) ASSERT_EQ(go_on(), kPreempted);
  ASSERT_EQ(second.begin(name_it()), kPreempted);
  EXPECT_EQ(get(user, 0), 0u);
  EXPECT_EQ(info(used).type_count, 1u);  // the stopped request holds nothing
  EXPECT_EQ(info(used).linear_count, 0);
  audit_agrees();
  EXPECT_EQ(second.finish(), 0);
  EXPECT_TRUE(info(used).whole());
  EXPECT_EQ(info(used).type_count, 2u);
  EXPECT_EQ(info(used).linear_count, -1);
  EXPECT_EQ(to_the_end(go_on()), 0);
  EXPECT_TRUE(info(used).pinned);
  EXPECT_EQ(info(used).type_count, 2u);
}

// A teardown that finds the table being stored for another call starts anew from the top, and that
// call has to validate again.
TEST_F(SameLevelMeanwhile, ATeardownOvertakesAPin) {
  stop_a_teardown_and_a_pin();
  const uint64_t demotions = counters.demotions;
  EXPECT_EQ(to_the_end(go_on()), return_value(Errno::kEINVAL));
  EXPECT_EQ(info(used).type, PageType::kNone);
  EXPECT_GT(counters.demotions, demotions);
  EXPECT_EQ(second.finish(), 0);
  EXPECT_TRUE(info(used).pinned);
  EXPECT_TRUE(info(used).whole());
}

// If a same-level entry came to rely on it meanwhile, the teardown only lets go.
TEST_F(SameLevelMeanwhile, ATeardownLeavesWhatAnEntryReliesOn) {
  stop_a_teardown_and_a_pin();
  ASSERT_EQ(third.whole(name_it()), 0);
  EXPECT_TRUE(info(used).whole());
  EXPECT_EQ(info(used).type_count, 2u);
  EXPECT_EQ(to_the_end(go_on()), return_value(Errno::kEINVAL));
  EXPECT_FALSE(info(used).in_progress);
  EXPECT_EQ(info(used).type_count, 1u);  // the entry's
  EXPECT_TRUE(info(used).whole());
  EXPECT_EQ(second.finish(), 0);
  EXPECT_TRUE(info(used).pinned);
  EXPECT_EQ(info(used).type_count, 2u);
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
      EXPECT_LT(second.whole(::mmu_update{Maddr(table, 24).raw(), entry_of(kData, kFlagsRo)}), 0);
      EXPECT_EQ(get(table, 3), was);
      EXPECT_NE(second.whole(operation(MMUEXT_CLEAR_PAGE, table.raw())), 0);
      EXPECT_NE(mmu.get_writable(call, "vcpu_op", table), 0);
    }
    result = go_on();
  }
  EXPECT_EQ(result, 0);
}

}  // namespace
}  // namespace pvmmu::testing
