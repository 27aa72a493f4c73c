// Entries that wait for their first use: filled as an update of the entry, or not at all.
#include "test_domain.h"

namespace pvmmu::testing {
namespace {

class DemandFillTest : public DomainTest {
 protected:
  static constexpr uint64_t kWaits = kPteOnDemand | kPteUser;

  // The entry that maps kData says this; nothing is mapped there.
  void prepare(uint64_t value) { ASSERT_EQ(update(mapping_of(kData), value), 0); }
  uint64_t entry() { return get(mapping_of(kData).frame(), kData.raw() & 511); }
  bool fill(Access access) {
    refusal = Refusal{};
    return mmu.fill_on_demand(call, root(), address_of(kData) + 0x123, access);
  }
};

TEST_F(DemandFillTest, BecomesPresentWithAccessedAndForAWriteDirty) {
  const Mfn data = take_frame();
  const uint64_t flags = kPtePresent | kPteUser | kPteWritable | kPteAccessed;
  prepare(entry_of(data, kWaits | kPteWritable));
  EXPECT_EQ(info(data).type, PageType::kNone);
  ASSERT_TRUE(fill({.write = false}));
  EXPECT_EQ(entry(), entry_of(data, flags));
  EXPECT_EQ(info(data).type, PageType::kWritable);
  prepare(entry_of(data, kWaits | kPteWritable));
  ASSERT_TRUE(fill({.write = true}));
  EXPECT_EQ(entry(), entry_of(data, flags | kPteDirty));
  EXPECT_EQ(counters.demand_fills, 2u);
  audit_agrees();
}

TEST_F(DemandFillTest, OnlyWhatTheEntryPermits) {
  const Mfn data = take_frame();
  const uint64_t waiting = entry_of(data, kWaits | kPteNoExecute);
  prepare(waiting);
  EXPECT_FALSE(fill({.write = true}));
  EXPECT_FALSE(fill({.fetch = true}));
  EXPECT_EQ(entry(), waiting);
  EXPECT_FALSE(refusal.refused());
  ASSERT_TRUE(fill({}));
  EXPECT_FALSE(fill({.write = true}));  // it waits no more
  prepare(entry_of(data, kWaits));
  EXPECT_TRUE(fill({.fetch = true}));
  prepare(entry_of(data, kPteOnDemand));
  EXPECT_FALSE(fill({}));  // not for CPL3
}

TEST_F(DemandFillTest, NothingElseIsFilled) {
  for (const uint64_t value : {uint64_t{0}, entry_of(kData, kPteUser | kPteWritable),
                               entry_of(kData, kFlagsRw | kPteOnDemand)}) {
    prepare(value);
    EXPECT_FALSE(fill({})) << value;
    EXPECT_EQ(entry(), value);
  }
  EXPECT_FALSE(mmu.fill_on_demand(call, root(), LinearAddr(uint64_t{1} << 46), {}));
  EXPECT_EQ(counters.demand_fills, 0u);
}

// A table, a frame of the hypervisor's, reserved bits: as for any update, and nothing changes.
TEST_F(DemandFillTest, WhatAnUpdateWouldBeRefusedIsRefused) {
  const Mfn table = mapping_of(kData).frame();
  const struct {
    Mfn frame;
    uint64_t flags;
    bool write;
  } cases[] = {{table, kWaits | kPteWritable, true},
               {Mfn(3), kWaits, false},
               {Mfn(1 << 20), kWaits, false},
               {take_frame(), kWaits | uint64_t{1} << 51, false}};
  for (const auto& one : cases) {
    const uint64_t waiting = entry_of(one.frame, one.flags);
    prepare(waiting);
    EXPECT_FALSE(fill({.write = one.write}));
    EXPECT_TRUE(refusal.refused());
    EXPECT_EQ(refusal.address, address_of(kData) + 0x123);
    EXPECT_EQ(entry(), waiting);
  }
  EXPECT_EQ(counters.refusals, 4u);
  EXPECT_EQ(counters.demand_fills, 0u);
  audit_agrees();
}

// A frame that was a table: whoever may still use the old translations is flushed first.
TEST_F(DemandFillTest, AChangeOfTypeIsFlushed) {
  const Mfn frame = build_tables(PtLevel::kL1, take_frame()).front();
  ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE, frame), 0);
  ASSERT_EQ(ext(MMUEXT_UNPIN_TABLE, frame), 0);
  prepare(entry_of(frame, kWaits | kPteWritable));
  platform.history.clear();
  ASSERT_TRUE(fill({.write = true}));
  bool flushed = false;
  for (const Event& event : platform.history) flushed |= event.kind == Event::Kind::kFlush;
  EXPECT_TRUE(flushed);
  audit_agrees();
}

}  // namespace
}  // namespace pvmmu::testing
