// Stores to L1 tables through read-only mappings.
#include "test_domain.h"

namespace pvmmu::testing {
namespace {

using Kind = WriteOperation::Kind;
using Status = EmulationResult::Status;

class EmulationTest : public DomainTest {
 protected:
  void SetUp() override {
    table = take_frame();
    data = take_frame();
    ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE, table), 0);
    counters = MmuCounters{};
    platform.history.clear();
  }
  EmulationResult write(LinearAddr at, WriteOperation operation) {
    refusal = Refusal{};
    return mmu.emulate_write(call, root(), at, operation);
  }
  LinearAddr slot_address(unsigned slot) const { return address_of(table) + slot * 8; }

  Mfn table, data;
};

TEST_F(EmulationTest, AStore) {
  const auto result = write(slot_address(3), {Kind::kStore, 8, entry_of(data, kFlagsRw), 0});
  EXPECT_EQ(result.status, Status::kDone);
  EXPECT_EQ(get(table, 3), entry_of(data, kFlagsRw));
  EXPECT_EQ(info(data).type, PageType::kWritable);
  EXPECT_EQ(counters.emulated_writes, 1u);
  EXPECT_EQ(platform.count(Event::Kind::kFlush), 0u);
}

TEST_F(EmulationTest, AStoreForcesUser) {
  ASSERT_EQ(write(slot_address(3), {Kind::kStore, 8, entry_of(data, kPtePresent), 0}).status,
            Status::kDone);
  EXPECT_EQ(get(table, 3), entry_of(data, kPtePresent | kPteUser));
}

TEST_F(EmulationTest, AnExchangeReturnsTheOldValue) {
  set(table, 0, 0x1230);
  const auto result = write(slot_address(0), {Kind::kExchange, 8, entry_of(data, kFlagsRo), 0});
  EXPECT_EQ(result.status, Status::kDone);
  EXPECT_EQ(result.old_value, 0x1230u);
  EXPECT_EQ(get(table, 0), entry_of(data, kFlagsRo));
}

TEST_F(EmulationTest, CompareExchange) {
  set(table, 0, 0x40);
  const uint64_t wanted = entry_of(data, kFlagsRo);
  auto result = write(slot_address(0), {Kind::kCompareExchange, 8, wanted, 0x50});
  EXPECT_EQ(result.status, Status::kDone);
  EXPECT_FALSE(result.exchanged);
  EXPECT_EQ(result.old_value, 0x40u);
  EXPECT_EQ(get(table, 0), 0x40u);
  result = write(slot_address(0), {Kind::kCompareExchange, 8, wanted, 0x40});
  EXPECT_TRUE(result.exchanged);
  EXPECT_EQ(get(table, 0), wanted);
}

TEST_F(EmulationTest, LockedBitOperations) {
  ASSERT_EQ(update(Maddr(table, 0), entry_of(data, kFlagsRw)), 0);
  EXPECT_EQ(write(slot_address(0), {Kind::kBitReset, 8, kPteWritable, 0}).status, Status::kDone);
  EXPECT_EQ(info(data).type_count, 0u);  // clearing RW gives the writable type back
  EXPECT_EQ(write(slot_address(0), {Kind::kBitSet, 8, kPteWritable, 0}).status, Status::kDone);
  EXPECT_EQ(info(data).type_count, 1u);
  EXPECT_EQ(write(slot_address(0), {Kind::kAnd, 8, ~kPteDirty, 0}).old_value,
            entry_of(data, kFlagsRw));
  EXPECT_EQ(get(table, 0), entry_of(data, kFlagsRw & ~kPteDirty));
  EXPECT_EQ(write(slot_address(0), {Kind::kOr, 8, kPteDirty, 0}).status, Status::kDone);
  EXPECT_EQ(get(table, 0), entry_of(data, kFlagsRw));
}

TEST_F(EmulationTest, NarrowWritesChangeTheirPartOnly) {
  ASSERT_EQ(update(Maddr(table, 0), entry_of(data, kFlagsRw)), 0);
  // A byte: clear RW in the low byte.
  const auto result =
      write(slot_address(0), {Kind::kStore, 1, (kFlagsRw & ~kPteWritable) & 0xff, 0});
  EXPECT_EQ(result.old_value, entry_of(data, kFlagsRw) & 0xff);
  EXPECT_EQ(get(table, 0), entry_of(data, kFlagsRw & ~kPteWritable));
  // Four bytes in the upper half: NX.
  EXPECT_EQ(write(slot_address(0) + 4, {Kind::kOr, 4, 0x80000000, 0}).status, Status::kDone);
  EXPECT_TRUE(get(table, 0) & kPteNoExecute);
  // Two bytes, compare-exchange at offset 6: the comparand is of the same width.
  EXPECT_TRUE(write(slot_address(0) + 6, {Kind::kCompareExchange, 2, 0, 0x8000}).exchanged);
  EXPECT_FALSE(get(table, 0) & kPteNoExecute);
  EXPECT_EQ(get(table, 1), 0u);
}

TEST_F(EmulationTest, ANarrowStoreThatMakesABadEntryIsRefused) {
  set(table, 0, entry_of(Mfn(2), 0));  // not present: anything goes
  const auto result = write(slot_address(0), {Kind::kStore, 1, kPtePresent, 0});
  EXPECT_EQ(result.status, Status::kRefused);
  EXPECT_EQ(result.error, Errno::kEBUSY);
  EXPECT_EQ(get(table, 0), entry_of(Mfn(2), 0));
  EXPECT_EQ(counters.refusals, 1u);
  EXPECT_STREQ(refusal.operation, "emulated write");
}

TEST_F(EmulationTest, MisalignedCrossingAndOddWidthsAreRefused) {
  const struct {
    uint64_t offset;
    unsigned width;
  } cases[] = {{1, 2}, {1, 8}, {4, 8}, {2, 4}, {6, 4}, {0, 3}, {0, 16}, {0, 0}, {0xffc, 8}};
  for (const auto& one : cases) {
    const auto result = write(address_of(table) + one.offset, {Kind::kStore, one.width, 0, 0});
    EXPECT_EQ(result.status, Status::kRefused) << one.offset << " " << one.width;
    EXPECT_EQ(result.error, Errno::kEINVAL);
  }
}

TEST_F(EmulationTest, OtherMemoryIsNotOurs) {
  const WriteOperation store{Kind::kStore, 8, 0, 0};
  EXPECT_EQ(write(address_of(kData), store).status, Status::kNotOurs);     // writable: spurious
  EXPECT_EQ(write(address_of(Mfn(200)), store).status, Status::kNotOurs);  // read-only, no table
  EXPECT_EQ(write(address_of(root()), store).status, Status::kNotOurs);    // an L4 table
  EXPECT_EQ(write(LinearAddr(0), store).status, Status::kNotOurs);         // nothing
  EXPECT_EQ(write(LinearAddr(0x800000000000), store).status, Status::kNotOurs);
  EXPECT_EQ(write(LinearAddr(0xffff800000000000), store).status, Status::kNotOurs);
  EXPECT_EQ(counters.emulated_writes, 0u);
  EXPECT_EQ(mmu.emulate_write(call, kInvalidMfn, address_of(table), store).status,
            Status::kNotOurs);
}

TEST_F(EmulationTest, TheHypervisorsMemoryIsNotOurs) {
  open_hypervisor_slots();
  set(Mfn(4), 5, entry_of(Mfn(6), kFlagsRo));             // its frame
  set(Mfn(4), 6, entry_of(table, kFlagsRo & ~kPteUser));  // a table, where no user may look
  const uint64_t before = get(table, 0);
  for (const uint64_t slot : {5u, 6u}) {
    const LinearAddr at = hypervisor_address(0, 0, slot);
    ASSERT_TRUE(mmu.walk(root(), at, Access{}).mapped);
    EXPECT_EQ(write(at, {Kind::kStore, 8, entry_of(data, kFlagsRo), 0}).status, Status::kNotOurs);
  }
  EXPECT_EQ(get(Mfn(6), 0), 0u);
  EXPECT_EQ(get(table, 0), before);
}

TEST_F(EmulationTest, AProcessesStoreIsNotOurs) {
  Call user_call{VcpuId{0}, counters, refusal, false};
  const auto result = mmu.emulate_write(user_call, root(), slot_address(0),
                                        {Kind::kStore, 8, entry_of(data, kFlagsRw), 0});
  EXPECT_EQ(result.status, Status::kNotOurs);
  EXPECT_EQ(get(table, 0), 0u);
}

TEST_F(EmulationTest, AProcessorThatSetsDirtyInBetweenIsNotLost) {
  ASSERT_EQ(update(Maddr(table, 0), entry_of(data, kFlagsRw & ~kPteAccessedDirty)), 0);
  bool once = false;
  platform.before_exchange = [&](Mfn frame, unsigned slot) {
    if (once || frame != table || slot != 0) return;
    once = true;
    platform.cell(table, 0).fetch_or(kPteDirty);
  };
  // Clearing RW by a locked instruction keeps a D that came before it.
  const auto result = write(slot_address(0), {Kind::kBitReset, 8, kPteWritable, 0});
  EXPECT_TRUE(once);
  EXPECT_TRUE(result.old_value & kPteDirty);
  EXPECT_TRUE(get(table, 0) & kPteDirty);
  EXPECT_EQ(info(data).type_count, 0u);
}

TEST_F(EmulationTest, ACompareExchangeThatLosesToTheProcessorFails) {
  const uint64_t before = entry_of(data, kFlagsRw & ~kPteAccessedDirty);
  ASSERT_EQ(update(Maddr(table, 0), before), 0);
  platform.before_exchange = [&](Mfn frame, unsigned slot) {
    if (frame == table && slot == 0) platform.cell(table, 0).fetch_or(kPteDirty);
  };
  const auto result = write(slot_address(0), {Kind::kCompareExchange, 8, 0, before});
  EXPECT_EQ(result.status, Status::kDone);
  EXPECT_FALSE(result.exchanged);
  EXPECT_EQ(result.old_value, before | kPteDirty);
  EXPECT_EQ(get(table, 0), before | kPteDirty);
  audit_agrees();
}

}  // namespace
}  // namespace pvmmu::testing
