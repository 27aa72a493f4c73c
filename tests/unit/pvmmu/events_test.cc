// What an observer is told: each event once, where its counter is raised.
#include "pvmmu/mmu_events.h"

#include "test_domain.h"

namespace pvmmu::testing {
namespace {

class Observer final : public MmuEvents {
 public:
  explicit Observer(const MmuCounters& account) : account_(account) {}

  void pinned(const MmuCounters& account, Mfn, PageType) override { note(account, counted.pins); }
  void unpinned(const MmuCounters& account, Mfn, PageType) override {
    note(account, counted.unpins);
  }
  void promoted(const MmuCounters& account, Mfn frame, PageType type) override {
    note(account, counted.promotions);
    last_promoted = {frame, type};
  }
  void promotion_failed(const MmuCounters& account, Mfn, PageType) override {
    note(account, counted.failed_promotions);
  }
  void demoted(const MmuCounters& account, Mfn, PageType) override {
    note(account, counted.demotions);
  }
  void flushed(const MmuCounters& account, VcpuMask, TlbFlush what) override {
    note(account, what.all ? counted.tlb_flush_all : counted.tlb_flush_single);
  }
  void flush_avoided(const MmuCounters& account) override {
    note(account, counted.tlb_flushes_avoided);
  }
  void write_emulated(const MmuCounters& account, Mfn table, LinearAddr, unsigned width) override {
    note(account, counted.emulated_writes);
    last_written = {table, width};
  }
  void refused(const MmuCounters& account, const Refusal& refusal) override {
    EXPECT_EQ(&account, &account_);
    ++counted.refusals_by_errno[static_cast<unsigned>(refusal.error)];
  }

  MmuCounters counted;
  std::pair<Mfn, PageType> last_promoted;
  std::pair<Mfn, unsigned> last_written;

 private:
  void note(const MmuCounters& account, uint64_t& counter) {
    EXPECT_EQ(&account, &account_);
    ++counter;
  }

  const MmuCounters& account_;
};

class EventsTest : public DomainTest {
 protected:
  EventsTest() {
    platform.observe(&observer);
    counters = MmuCounters{};
  }

  Observer observer{counters};
};

TEST_F(EventsTest, APinAndWhatItPromotes) {
  const Mfn table = take_frame();
  ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE, table), 0);
  EXPECT_EQ(observer.counted.pins, 1u);
  EXPECT_EQ(observer.last_promoted, std::pair(table, PageType::kL1));
  ASSERT_EQ(ext(MMUEXT_UNPIN_TABLE, table), 0);
  EXPECT_EQ(observer.counted.unpins, 1u);
  EXPECT_EQ(observer.counted.demotions, 1u);
}

// Given back by the VMM, not by a call: the MMU's own counters count it.
TEST_F(EventsTest, ADescriptorTableComesAndGoes) {
  const Mfn frame = take_frame();
  ASSERT_EQ(mmu.get_descriptor_table(call, frame), 0);
  EXPECT_EQ(observer.last_promoted, std::pair(frame, PageType::kSegDesc));
  Observer own(mmu.own_counters());
  platform.observe(&own);
  mmu.put_descriptor_table(frame);
  EXPECT_EQ(own.counted.demotions, 1u);
  EXPECT_EQ(mmu.own_counters().demotions, 1u);
}

// Of trees, of flushes made and spared, of refusals and of emulated stores: as many as are counted.
TEST_F(EventsTest, AsManyAsAreCounted) {
  const std::vector<Mfn> tables = build_tables(PtLevel::kL3, kShared);
  ASSERT_EQ(ext(MMUEXT_PIN_L3_TABLE, tables[0]), 0);
  ASSERT_EQ(ext(MMUEXT_UNPIN_TABLE, tables[0]), 0);

  const Mfn bad = take_frame();
  set(bad, 0, entry_of(kData, kFlagsRo | uint64_t{1} << 51));
  EXPECT_NE(ext(MMUEXT_PIN_L1_TABLE, bad), 0);

  ASSERT_EQ(update(mapping_of(kData), entry_of(kData, kFlagsRo)), 0);
  ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE, kData), 0);  // was writable: a flush comes first
  ASSERT_EQ(ext({operation(MMUEXT_INVLPG_LOCAL, address_of(kShared).raw())}), 0);
  const WriteOperation store{WriteOperation::Kind::kStore, 8, entry_of(kShared, kFlagsRo), 0};
  ASSERT_EQ(mmu.emulate_write(call, root(), address_of(kData), store).status,
            EmulationResult::Status::kDone);
  EXPECT_EQ(observer.last_written, std::pair(kData, 8u));

  ASSERT_EQ(update(mapping_of(kBitmap), entry_of(kBitmap, kFlagsRo)), 0);
  ASSERT_EQ(ext({operation(MMUEXT_TLB_FLUSH_ALL, 0)}), 0);
  ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE, kBitmap), 0);  // nothing can hold it any more

  const MmuCounters& seen = observer.counted;
  EXPECT_EQ(seen.pins, counters.pins);
  EXPECT_EQ(seen.unpins, counters.unpins);
  EXPECT_EQ(seen.promotions, counters.promotions);
  EXPECT_EQ(seen.failed_promotions, counters.failed_promotions);
  EXPECT_EQ(seen.demotions, counters.demotions);
  EXPECT_EQ(seen.emulated_writes, counters.emulated_writes);
  EXPECT_EQ(seen.tlb_flush_all, counters.tlb_flush_all);
  EXPECT_EQ(seen.tlb_flush_single, counters.tlb_flush_single);
  EXPECT_EQ(seen.tlb_flushes_avoided, counters.tlb_flushes_avoided);
  for (unsigned error = 0; error < kErrnoLimit; ++error) {
    EXPECT_EQ(seen.refusals_by_errno[error], counters.refusals_by_errno[error]) << error;
  }
  EXPECT_EQ(seen.failed_promotions, 1u);
  EXPECT_EQ(seen.demotions, 3u);
  EXPECT_EQ(seen.tlb_flushes_avoided, 1u);
  EXPECT_GE(seen.tlb_flush_all, 2u);
  EXPECT_EQ(seen.tlb_flush_single, 1u);
}

}  // namespace
}  // namespace pvmmu::testing
