// Entries that name a table of their own level ("linear" page tables): read-only, one level deep.
#include "test_domain.h"

namespace pvmmu::testing {
namespace {

class SameLevelTest : public DomainTest {
 protected:
  Mfn pinned(unsigned level) {
    const Mfn table = take_frame();
    EXPECT_EQ(ext(MMUEXT_PIN_L1_TABLE + level - 1, table), 0);
    return table;
  }
};

TEST_F(SameLevelTest, ATableMayNameItselfReadOnly) {
  for (unsigned level = 2; level <= 4; ++level) {
    const Mfn table = take_frame();
    set(table, 9, entry_of(table, kFlagsRo));
    ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE + level - 1, table), 0);
    EXPECT_EQ(info(table).type_count, 1u);  // it does not keep itself alive
    EXPECT_EQ(info(table).linear_count, 0);
    ASSERT_EQ(update(Maddr(table, 80), entry_of(table, kFlagsRo)), 0);
    audit_agrees();
    ASSERT_EQ(ext(MMUEXT_UNPIN_TABLE, table), 0);
    EXPECT_EQ(info(table).type, PageType::kNone);
    EXPECT_EQ(info(table).total_count, 1u);
  }
}

TEST_F(SameLevelTest, NeverWritable) {
  for (unsigned level = 2; level <= 4; ++level) {
    const Mfn self = take_frame();
    set(self, 0, entry_of(self, kFlagsRw));
    EXPECT_REFUSED(ext(MMUEXT_PIN_L1_TABLE + level - 1, self), kEINVAL, kNoWritableTable);
    const Mfn a = pinned(level), b = pinned(level);
    EXPECT_REFUSED(update(Maddr(a, 0), entry_of(b, kFlagsRw)), kEINVAL, kNoWritableTable);
    EXPECT_REFUSED(update(Maddr(a, 0), entry_of(a, kFlagsRw)), kEINVAL, kNoWritableTable);
  }
}

// The fast path for changes of flags must not let the write permission in.
TEST_F(SameLevelTest, NotMadeWritableByAChangeOfFlags) {
  const Mfn a = pinned(4), b = pinned(4);
  ASSERT_EQ(update(Maddr(a, 0), entry_of(b, kFlagsRo)), 0);
  ASSERT_EQ(update(Maddr(a, 8), entry_of(a, kFlagsRo)), 0);
  for (const unsigned command : kTableCommands) {
    EXPECT_REFUSED(update(Maddr(a, 0), entry_of(b, kFlagsRw), command), kEINVAL, kNoWritableTable);
    EXPECT_REFUSED(update(Maddr(a, 8), entry_of(a, kFlagsRw), command), kEINVAL, kNoWritableTable);
  }
  EXPECT_FALSE(get(a, 0) & kPteWritable);
}

TEST_F(SameLevelTest, CountedInBothTables) {
  const Mfn a = pinned(3), b = pinned(3);
  ASSERT_EQ(update(Maddr(a, 0), entry_of(b, kFlagsRo)), 0);
  ASSERT_EQ(update(Maddr(a, 8), entry_of(b, kFlagsRo)), 0);
  EXPECT_EQ(info(a).linear_count, 2);
  EXPECT_EQ(info(b).linear_count, -2);
  EXPECT_EQ(info(b).type_count, 3u);
  audit_agrees();
  ASSERT_EQ(update(Maddr(a, 0), 0), 0);
  EXPECT_EQ(info(a).linear_count, 1);
  ASSERT_EQ(ext(MMUEXT_UNPIN_TABLE, b), 0);
  EXPECT_EQ(info(b).type, PageType::kL3);  // the entry keeps it
  ASSERT_EQ(ext(MMUEXT_UNPIN_TABLE, a), 0);
  EXPECT_EQ(info(a).linear_count, 0);
  EXPECT_EQ(info(b).linear_count, 0);
  EXPECT_EQ(info(b).type, PageType::kNone);
}

TEST_F(SameLevelTest, OneLevelDeepFromBothSides) {
  const Mfn a = pinned(4), b = pinned(4), c = pinned(4);
  ASSERT_EQ(update(Maddr(a, 0), entry_of(b, kFlagsRo)), 0);
  EXPECT_REFUSED(update(Maddr(b, 0), entry_of(c, kFlagsRo)), kEINVAL, kEntryTarget);
  EXPECT_REFUSED(update(Maddr(c, 0), entry_of(a, kFlagsRo)), kEINVAL, kEntryTarget);
  EXPECT_REFUSED(update(Maddr(b, 0), entry_of(a, kFlagsRo)), kEINVAL, kEntryTarget);
  EXPECT_EQ(update(Maddr(c, 0), entry_of(b, kFlagsRo)), 0);  // b may be used twice
  EXPECT_EQ(info(b).linear_count, -2);
  audit_agrees();
}

TEST_F(SameLevelTest, OnlyAValidatedTable) {
  const Mfn a = pinned(4), plain = take_frame();
  EXPECT_EQ(update(Maddr(a, 0), entry_of(plain, kFlagsRo)), 0);  // promoted as an L3 table
  EXPECT_EQ(info(plain).type, PageType::kL3);
  EXPECT_EQ(info(a).linear_count, 0);
}

// 64 tables full of entries that name one table: one more than can be counted.
TEST_F(SameLevelTest, TheSameLevelCountDoesNotWrap) {
  const Mfn used = pinned(2);
  for (unsigned i = 0; i < 64; ++i) {
    const Mfn user = take_frame();
    const bool last = i == 63;
    for (unsigned slot = 0; slot < 511; ++slot) set(user, slot, entry_of(used, kFlagsRo));
    if (!last) set(user, 511, entry_of(used, kFlagsRo));
    ASSERT_EQ(ext(MMUEXT_PIN_L2_TABLE, user), 0);
    if (!last) continue;
    EXPECT_EQ(info(used).linear_count, -0x7fff);
    EXPECT_REFUSED(update(Maddr(user, 511 * 8), entry_of(used, kFlagsRo)), kEINVAL, kCounts);
    EXPECT_EQ(get(user, 511), 0u);
  }
  EXPECT_EQ(info(used).linear_count, -0x7fff);
}

struct LowSameLevelLimit : DomainTest {
  LowSameLevelLimit() : DomainTest(MmuConfig{.count_limit = 5}) {}
};

TEST_F(LowSameLevelLimit, TotalCountsRefuseToo) {
  const Mfn user = take_frame(), used = take_frame();
  ASSERT_EQ(ext(MMUEXT_PIN_L4_TABLE, user), 0);
  ASSERT_EQ(ext(MMUEXT_PIN_L4_TABLE, used), 0);
  for (unsigned slot = 0; slot < 3; ++slot) {
    ASSERT_EQ(update(Maddr(user, slot * 8), entry_of(used, kFlagsRo)), 0);
  }
  EXPECT_EQ(info(used).total_count, 5u);
  EXPECT_REFUSED(update(Maddr(user, 24), entry_of(used, kFlagsRo)), kEINVAL, kCounts);
  EXPECT_EQ(info(used).linear_count, -3);
}

TEST_F(SameLevelTest, FailedPromotionGivesSameLevelReferencesBack) {
  const Mfn b = pinned(4), a = take_frame();
  set(a, 0, entry_of(b, kFlagsRo));
  set(a, 1, entry_of(a, kFlagsRo));
  set(a, 2, entry_of(Mfn(1), kFlagsRo));
  EXPECT_REFUSED(ext(MMUEXT_PIN_L4_TABLE, a), kEINVAL, kEntryTarget);
  EXPECT_EQ(info(b).linear_count, 0);
  EXPECT_EQ(info(b).type_count, 1u);
  EXPECT_EQ(info(a).linear_count, 0);
}

}  // namespace
}  // namespace pvmmu::testing
