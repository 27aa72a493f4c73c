// Promotion and demotion of whole tables: what counts, what is refused, and that a refusal leaves
// nothing behind.
#include "test_domain.h"

namespace pvmmu::testing {
namespace {

using PromotionTest = DomainTest;

TEST_F(PromotionTest, PinTypesEveryLevelBelow) {
  const Mfn data = take_frame();
  const auto path = build_tables(PtLevel::kL4, data);
  ASSERT_EQ(ext(MMUEXT_PIN_L4_TABLE, path[0]), 0);
  for (size_t i = 0; i < 4; ++i) {
    const PageInfo& page = info(path[i]);
    EXPECT_EQ(page.type, table_type(static_cast<PtLevel>(4 - i)));
    EXPECT_TRUE(page.whole());
    EXPECT_EQ(page.pinned, i == 0);
    EXPECT_EQ(page.type_count, 1u);
    EXPECT_EQ(page.total_count, 2u);  // and the domain's own read-only map
  }
  EXPECT_EQ(info(data).type, PageType::kNone);  // a read-only mapping relies on no type
  EXPECT_EQ(info(data).total_count, 2u);
  EXPECT_EQ(counters.promotions, 4u);
  EXPECT_EQ(counters.entries_validated, 4u);
  audit_agrees();

  ASSERT_EQ(ext(MMUEXT_UNPIN_TABLE, path[0]), 0);
  for (const Mfn table : path) {
    EXPECT_EQ(info(table).type, PageType::kNone);
    EXPECT_EQ(info(table).total_count, 1u);
  }
  EXPECT_EQ(counters.demotions, 4u);
}

TEST_F(PromotionTest, PinAndUnpinAtEveryLevel) {
  for (unsigned level = 1; level <= 4; ++level) {
    const auto path = build_tables(static_cast<PtLevel>(level), kData);
    ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE + level - 1, path[0]), 0) << level;
    EXPECT_EQ(info(path[0]).type, table_type(static_cast<PtLevel>(level)));
    audit_agrees();
    ASSERT_EQ(ext(MMUEXT_UNPIN_TABLE, path[0]), 0);
    EXPECT_EQ(info(path[0]).type, PageType::kNone);
  }
}

TEST_F(PromotionTest, WritableEntriesTakeTheWritableType) {
  const Mfn table = take_frame(), data = take_frame();
  set(table, 3, entry_of(data, kFlagsRw));
  set(table, 4, entry_of(data, kFlagsRw));
  set(table, 5, entry_of(data, kFlagsRo));
  ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE, table), 0);
  EXPECT_EQ(info(data).type, PageType::kWritable);
  EXPECT_EQ(info(data).type_count, 2u);
  EXPECT_EQ(info(data).total_count, 4u);
}

TEST_F(PromotionTest, UserIsForcedOnAndGlobalOff) {
  const auto path = build_tables(PtLevel::kL4, kData);
  for (const Mfn table : path) set(table, 0, get(table, 0) & ~kPteUser);
  set(path[3], 1, entry_of(kData, kPtePresent | kPteGlobal));
  ASSERT_EQ(ext(MMUEXT_PIN_L4_TABLE, path[0]), 0);
  for (const Mfn table : path) EXPECT_TRUE(get(table, 0) & kPteUser);
  EXPECT_EQ(get(path[3], 1), entry_of(kData, kPtePresent | kPteUser));
  EXPECT_EQ(get(path[3], 2), 0u);
}

// The promise of I6 for the biggest operation: whatever slot of whatever level is bad, memory,
// types and counts are those of before.
TEST_F(PromotionTest, RefusalInAnySlotLeavesNothingBehind) {
  const Mfn data = take_frame();
  const auto path = build_tables(PtLevel::kL4, data);
  for (unsigned i = 1; i < 40; ++i) {
    set(path[3], i, entry_of(Mfn(100 + i), kPtePresent | kPteWritable));  // USER to be forced
    set(path[2], i, entry_of(path[3], kFlagsRw));
    set(path[1], i, entry_of(path[2], kFlagsRw));
    set(path[0], i, entry_of(path[1], kFlagsRw));
  }
  for (const Mfn table : path) {
    for (const unsigned slot : {0u, 1u, 39u, 511u}) {
      const uint64_t good = get(table, slot);
      set(table, slot, entry_of(Mfn(3), kFlagsRo));  // a hypervisor frame
      const auto memory = platform.snapshot();
      const auto before = frame_table;
      EXPECT_NE(ext(MMUEXT_PIN_L4_TABLE, path[0]), 0);
      EXPECT_EQ(refusal.slot, slot);
      EXPECT_EQ(refusal.table, table);
      EXPECT_EQ(refusal.frame, Mfn(3));
      const auto after = platform.snapshot();
      for (size_t i = 0; i < memory.size(); ++i) {
        const uint64_t frame = i / kEntriesPerTable;
        if (frame == kRequests.raw() || frame == kDone.raw()) continue;
        if (frame >= 252) continue;  // Accessed and Dirty of the domain's own tables
        ASSERT_EQ(memory[i], after[i]) << "frame " << frame << " slot " << i % kEntriesPerTable;
      }
      for (size_t i = 0; i < kFrames; ++i) {
        ASSERT_EQ(frame_table[i].type, before[i].type);
        ASSERT_EQ(frame_table[i].type_count, before[i].type_count);
        ASSERT_EQ(frame_table[i].total_count, before[i].total_count);
        ASSERT_EQ(frame_table[i].pinned, before[i].pinned);
      }
      audit_agrees();
      set(table, slot, good);
    }
  }
  EXPECT_EQ(ext(MMUEXT_PIN_L4_TABLE, path[0]), 0);  // and without the bad entry all is well
}

TEST_F(PromotionTest, RefusesBitsThatAreNotAllowed) {
  const auto path = build_tables(PtLevel::kL4, kData);
  const std::vector<std::pair<size_t, uint64_t>> bad = {
      {3, kPtePageSize},      {3, kPteWriteThrough}, {3, kPteCacheDisable},
      {3, uint64_t{1} << 62}, {2, kPtePageSize},     {2, kPteGlobal},
      {1, kPtePageSize},      {0, kPtePageSize},     {0, kPteGlobal}};
  for (const auto& [index, bit] : bad) {
    const Mfn table = path[index];
    set(table, 0, get(table, 0) | bit);
    EXPECT_REFUSED(ext(MMUEXT_PIN_L4_TABLE, path[0]), kEINVAL, kEntryBits);
    EXPECT_EQ(refusal.level, 4 - index);
    set(table, 0, get(table, 0) & ~bit);
  }
  EXPECT_EQ(ext(MMUEXT_PIN_L4_TABLE, path[0]), 0);
}

TEST_F(PromotionTest, AnEntryThatIsNotPresentMayHoldAnything) {
  const Mfn table = take_frame();
  set(table, 7, ~uint64_t{0} & ~kPtePresent);
  EXPECT_EQ(ext(MMUEXT_PIN_L1_TABLE, table), 0);
  EXPECT_EQ(get(table, 7), ~uint64_t{0} & ~kPtePresent);
}

TEST_F(PromotionTest, RefusesAWritableMappingOfATable) {
  const Mfn table = take_frame(), other = take_frame();
  ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE, table), 0);
  set(other, 0, entry_of(table, kFlagsRw));
  EXPECT_REFUSED(ext(MMUEXT_PIN_L1_TABLE, other), kEBUSY, kNoWritableTable);
  EXPECT_EQ(refusal.frame, table);
  EXPECT_EQ(refusal.now.type, PageType::kL1);
  EXPECT_TRUE(refusal.now.pinned);
}

TEST_F(PromotionTest, RefusesATableThatMapsItselfWritable) {
  const Mfn table = take_frame();
  set(table, 511, entry_of(table, kFlagsRw));
  EXPECT_REFUSED(ext(MMUEXT_PIN_L1_TABLE, table), kEBUSY, kNoWritableTable);
  set(table, 511, entry_of(table, kFlagsRo));  // read-only it may
  EXPECT_EQ(ext(MMUEXT_PIN_L1_TABLE, table), 0);
  EXPECT_EQ(info(table).total_count, 3u);
  EXPECT_EQ(ext(MMUEXT_UNPIN_TABLE, table), 0);
  EXPECT_EQ(info(table).total_count, 1u);
}

TEST_F(PromotionTest, RefusesAFrameThatIsWritable) {
  EXPECT_REFUSED(ext(MMUEXT_PIN_L1_TABLE, kData), kEINVAL, kOneType);
  EXPECT_EQ(refusal.now.type, PageType::kWritable);
  EXPECT_STREQ(refusal.operation, "MMUEXT_PIN_L1_TABLE");
}

TEST_F(PromotionTest, RefusesOneFrameAsTwoLevels) {
  const Mfn l1 = take_frame(), l2 = take_frame(), l3 = take_frame();
  set(l2, 0, entry_of(l1, kFlagsRw));
  set(l3, 0, entry_of(l2, kFlagsRw));
  set(l3, 1, entry_of(l1, kFlagsRw));  // the L1 table as an L2 table
  EXPECT_REFUSED(ext(MMUEXT_PIN_L3_TABLE, l3), kEINVAL, kOneType);
  EXPECT_EQ(refusal.frame, l1);
  EXPECT_EQ(refusal.slot, 1);
}

TEST_F(PromotionTest, RefusesALoopThroughLevels) {
  const Mfn l2 = take_frame(), l3 = take_frame();
  set(l3, 0, entry_of(l2, kFlagsRw));
  set(l2, 0, entry_of(l3, kFlagsRw));  // l3 as an L1 table, while it is being validated
  EXPECT_REFUSED(ext(MMUEXT_PIN_L3_TABLE, l3), kEINVAL, kOneType);
}

TEST_F(PromotionTest, ATableUsedTwiceIsPromotedOnce) {
  const Mfn l1 = take_frame(), l2 = take_frame();
  set(l2, 0, entry_of(l1, kFlagsRw));
  set(l2, 1, entry_of(l1, kFlagsRo));
  ASSERT_EQ(ext(MMUEXT_PIN_L2_TABLE, l2), 0);
  EXPECT_EQ(counters.promotions, 2u);
  EXPECT_EQ(info(l1).type_count, 2u);
}

TEST_F(PromotionTest, HypervisorSlotsAreFilledAndCleared) {
  const auto path = build_tables(PtLevel::kL4, kData);
  set(path[0], 256, entry_of(Mfn(77), kFlagsRw));  // what the guest leaves there does not matter
  set(path[0], 260, ~uint64_t{0});
  ASSERT_EQ(ext(MMUEXT_PIN_L4_TABLE, path[0]), 0);
  EXPECT_EQ(get(path[0], 256), FakePlatform::kHypervisorEntry);
  EXPECT_EQ(get(path[0], 257), FakePlatform::kHypervisorEntry);
  for (unsigned slot = 258; slot <= 271; ++slot) EXPECT_EQ(get(path[0], slot), 0u);
  EXPECT_EQ(info(Mfn(77)).total_count, 1u);
  ASSERT_EQ(ext(MMUEXT_UNPIN_TABLE, path[0]), 0);
  for (unsigned slot = 256; slot <= 271; ++slot) EXPECT_EQ(get(path[0], slot), 0u);
}

TEST_F(PromotionTest, SlotsBesideTheHypervisorsAreTheGuests) {
  const auto path = build_tables(PtLevel::kL4, kData);
  set(path[0], 255, get(path[0], 0));
  set(path[0], 272, get(path[0], 0));
  ASSERT_EQ(ext(MMUEXT_PIN_L4_TABLE, path[0]), 0);
  EXPECT_EQ(info(path[1]).type_count, 3u);
}

struct LowLimit : DomainTest {
  LowLimit() : DomainTest(MmuConfig{.domain_id = 1, .count_limit = 5}) {}
};

// A count that cannot grow any more refuses; it does not wrap.
TEST_F(LowLimit, CountsRefuseInsteadOfWrapping) {
  const Mfn table = take_frame(), data = take_frame();
  ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE, table), 0);
  for (unsigned slot = 0; slot < 4; ++slot) {
    ASSERT_EQ(update(Maddr(table, slot * 8), entry_of(data, kFlagsRw)), 0);
  }
  EXPECT_EQ(info(data).total_count, 5u);
  EXPECT_REFUSED(update(Maddr(table, 32), entry_of(data, kFlagsRw)), kEBUSY, kCounts);
  EXPECT_REFUSED(update(Maddr(table, 32), entry_of(data, kFlagsRo)), kEBUSY, kCounts);
  EXPECT_EQ(get(table, 4), 0u);
  audit_agrees();
}

TEST_F(LowLimit, TableCountsToo) {
  const Mfn l1 = take_frame(), l2 = take_frame();
  ASSERT_EQ(ext(MMUEXT_PIN_L2_TABLE, l2), 0);
  for (unsigned slot = 0; slot < 4; ++slot) {
    ASSERT_EQ(update(Maddr(l2, slot * 8), entry_of(l1, kFlagsRw)), 0);
  }
  EXPECT_REFUSED(update(Maddr(l2, 32), entry_of(l1, kFlagsRw)), kEINVAL, kCounts);
}

}  // namespace
}  // namespace pvmmu::testing
