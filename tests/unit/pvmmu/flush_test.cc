// The flushes that rules demand, that they come before what they protect, and that none is made
// twice.
#include "test_domain.h"

namespace pvmmu::testing {
namespace {

class FlushTest : public DomainTest {
 protected:
  // Position in the history of the first event of that kind about that frame; its size if none.
  size_t first(Event::Kind kind, Mfn frame = kInvalidMfn) const {
    size_t at = 0;
    for (const Event& event : platform.history) {
      if (event.kind == kind && event.frame == frame) break;
      ++at;
    }
    return at;
  }
  bool seen(size_t at) const { return at < platform.history.size(); }
};

TEST_F(FlushTest, AFreshFrameNeedsNone) {
  ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE, take_frame()), 0);
  EXPECT_EQ(platform.count(Event::Kind::kFlush), 0u);
}

TEST_F(FlushTest, AFrameThatWasWritableIsFlushedBeforeItIsRead) {
  ASSERT_EQ(update(mapping_of(kData), entry_of(kData, kFlagsRo)), 0);
  EXPECT_EQ(platform.count(Event::Kind::kFlush), 0u);
  platform.history.clear();
  platform.log_reads = true;
  ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE, kData), 0);
  const size_t flush = first(Event::Kind::kFlush);
  ASSERT_TRUE(seen(flush));
  EXPECT_EQ(platform.history[flush].vcpus, 3u);
  EXPECT_TRUE(platform.history[flush].flush.all);
  EXPECT_LT(flush, first(Event::Kind::kRead, kData));
  EXPECT_LT(flush, first(Event::Kind::kBecomesTable, kData));
  EXPECT_LT(first(Event::Kind::kBecomesTable, kData), first(Event::Kind::kRead, kData));
}

TEST_F(FlushTest, TheChangeIsAnnouncedBeforeTheFlush) {
  ASSERT_EQ(update({{mapping_of(kData).raw(), entry_of(kData, kFlagsRo)}}), 0);
  ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE, kData), 0);
  EXPECT_LT(first(Event::Kind::kExchange, mapping_of(kData).frame()),
            first(Event::Kind::kChanged, mapping_of(kData).frame()));
  EXPECT_LT(first(Event::Kind::kChanged, mapping_of(kData).frame()), first(Event::Kind::kFlush));
}

TEST_F(FlushTest, AFlushOfEverythingInBetweenIsEnough) {
  ASSERT_EQ(update(mapping_of(kData), entry_of(kData, kFlagsRo)), 0);
  ASSERT_EQ(ext({operation(MMUEXT_TLB_FLUSH_ALL, 0)}), 0);
  platform.history.clear();
  ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE, kData), 0);
  EXPECT_EQ(platform.count(Event::Kind::kFlush), 0u);
  EXPECT_EQ(counters.tlb_flushes_avoided, 1u);
}

TEST_F(FlushTest, AFlushBeforeTheChangeIsNot) {
  ASSERT_EQ(ext({operation(MMUEXT_TLB_FLUSH_ALL, 0)}), 0);
  ASSERT_EQ(update(mapping_of(kData), entry_of(kData, kFlagsRo)), 0);
  platform.history.clear();
  ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE, kData), 0);
  EXPECT_EQ(platform.count(Event::Kind::kFlush), 1u);
}

TEST_F(FlushTest, AFlushOfOneAddressOrOneVcpuIsNot) {
  ASSERT_EQ(update(mapping_of(kData), entry_of(kData, kFlagsRo)), 0);
  ASSERT_EQ(ext({operation(MMUEXT_INVLPG_ALL, address_of(kData).raw()),
                 operation(MMUEXT_TLB_FLUSH_LOCAL, 0)}),
            0);
  platform.history.clear();
  ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE, kData), 0);
  const size_t flush = first(Event::Kind::kFlush);
  ASSERT_TRUE(seen(flush));
  EXPECT_EQ(platform.history[flush].vcpus, 2u);  // only the other one
}

TEST_F(FlushTest, FlushesByOtherMeansCount) {
  ASSERT_EQ(update(mapping_of(kData), entry_of(kData, kFlagsRo)), 0);
  mmu.note_flush(VcpuId{0});
  mmu.note_flush(VcpuId{1});
  ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE, kData), 0);
  EXPECT_EQ(platform.count(Event::Kind::kFlush), 0u);
}

TEST_F(FlushTest, ATableIsFlushedBeforeItBecomesWritable) {
  const Mfn table = take_frame();
  ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE, table), 0);
  ASSERT_EQ(ext(MMUEXT_UNPIN_TABLE, table), 0);
  EXPECT_EQ(platform.count(Event::Kind::kFlush), 0u);
  platform.history.clear();
  ASSERT_EQ(update(mapping_of(table), entry_of(table, kFlagsRw)), 0);
  ASSERT_TRUE(seen(first(Event::Kind::kFlush)));
  EXPECT_LT(first(Event::Kind::kFlush), first(Event::Kind::kExchange, mapping_of(table).frame()));
}

TEST_F(FlushTest, ATableIsFlushedBeforeItBecomesATableOfAnotherLevel) {
  const Mfn table = take_frame();
  ASSERT_EQ(ext(MMUEXT_PIN_L2_TABLE, table), 0);
  ASSERT_EQ(ext(MMUEXT_UNPIN_TABLE, table), 0);
  ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE, table), 0);
  EXPECT_EQ(platform.count(Event::Kind::kFlush), 1u);
  ASSERT_EQ(ext(MMUEXT_UNPIN_TABLE, table), 0);
  ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE, table), 0);  // the same again: nothing could have changed it
  EXPECT_EQ(platform.count(Event::Kind::kFlush), 1u);
}

TEST_F(FlushTest, APlainWriteToAFormerTableIsFlushedBefore) {
  const Mfn table = take_frame();
  ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE, table), 0);
  ASSERT_EQ(ext(MMUEXT_UNPIN_TABLE, table), 0);
  platform.history.clear();
  ASSERT_EQ(update(Maddr(table, 0), 5), 0);
  EXPECT_LT(first(Event::Kind::kFlush), first(Event::Kind::kWriteBytes, table));
}

TEST_F(FlushTest, UpperLevelChangesAreFlushedOnceBeforeTheCallEnds) {
  const Mfn l2 = take_frame();
  std::vector<::mmu_update> link, unlink;
  for (unsigned i = 0; i < 8; ++i) {
    link.push_back({Maddr(l2, i * 8).raw(), entry_of(take_frame(), kFlagsRw)});
    unlink.push_back({Maddr(l2, i * 8).raw(), 0});
  }
  ASSERT_EQ(ext(MMUEXT_PIN_L2_TABLE, l2), 0);
  platform.history.clear();
  ASSERT_EQ(update(link), 0);  // not present -> present
  EXPECT_EQ(platform.count(Event::Kind::kFlush), 0u);
  ASSERT_EQ(update(unlink), 0);
  EXPECT_EQ(platform.count(Event::Kind::kFlush), 1u);
  EXPECT_EQ(platform.count(Event::Kind::kChanged), 8u);
  EXPECT_GT(first(Event::Kind::kFlush), first(Event::Kind::kChanged, l2));
}

TEST_F(FlushTest, AnUpperLevelChangeBeforeARefusedRequestIsFlushedToo) {
  const Mfn l2 = take_frame(), l1 = take_frame();
  set(l2, 0, entry_of(l1, kFlagsRw));
  ASSERT_EQ(ext(MMUEXT_PIN_L2_TABLE, l2), 0);
  platform.history.clear();
  EXPECT_NE(update({{Maddr(l2, 0).raw(), 0}, {Maddr(Mfn(1), 0).raw(), 0}}), 0);
  EXPECT_EQ(platform.count(Event::Kind::kFlush), 1u);
}

TEST_F(FlushTest, AFrameFreedByATeardownIsFlushedBeforeItBecomesATable) {
  const Mfn l2 = take_frame(), l1 = take_frame(), data = take_frame();
  set(l2, 0, entry_of(l1, kFlagsRw));
  set(l1, 0, entry_of(data, kFlagsRw));
  ASSERT_EQ(ext(MMUEXT_PIN_L2_TABLE, l2), 0);
  // In one array: the table that maps data writable goes, and data becomes a table itself.
  const Mfn other = take_frame();
  ASSERT_EQ(ext(MMUEXT_PIN_L2_TABLE, other), 0);
  platform.history.clear();
  platform.log_reads = true;
  ASSERT_EQ(update({{Maddr(l2, 0).raw(), 0}, {Maddr(other, 0).raw(), entry_of(data, kFlagsRw)}}),
            0);
  EXPECT_LT(first(Event::Kind::kFlush), first(Event::Kind::kRead, data));
  EXPECT_EQ(platform.count(Event::Kind::kFlush), 1u);  // which also paid for the upper level
}

}  // namespace
}  // namespace pvmmu::testing
