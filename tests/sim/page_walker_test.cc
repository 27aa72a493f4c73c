#include "sim/page_walker.h"

#include <gtest/gtest.h>

#include "pvmmu/walk.h"
#include "small_tables.h"

namespace vmm {
namespace {

using pvmmu::Mfn;
using pvmmu::PtLevel;

constexpr uint32_t kUser = pvmmu::kFaultUser, kPresent = pvmmu::kFaultPresent,
                   kWrite = pvmmu::kFaultWrite;

class PageWalkerTest : public testing::Test {
 protected:
  PageWalk walk(uint64_t page, bool write) {
    return walker_.walk(SmallTables::kRoot, SmallTables::kBase + page * pvmmu::kPageSize, write);
  }
  SmallTables tables_;
  PageWalker walker_{tables_.memory()};
};

TEST_F(PageWalkerTest, ReadsSetAccessedOnAllLevels) {
  tables_.leaf(0) = SmallTables::link_to(Mfn(9));
  const PageWalk walked = walk(0, false);
  ASSERT_TRUE(walked.ok);
  EXPECT_EQ(walked.translation.frame, Mfn(9));
  EXPECT_TRUE(walked.translation.writable);
  EXPECT_FALSE(walked.translation.dirty);
  EXPECT_EQ(walked.region.l1_table, SmallTables::kL1);
  EXPECT_EQ(tables_.leaf(0), SmallTables::link_to(Mfn(9)) | pvmmu::kPteAccessed);
  EXPECT_NE(tables_.entry(SmallTables::kRoot, PtLevel::kL4) & pvmmu::kPteAccessed, 0u);
  EXPECT_NE(tables_.entry(SmallTables::kL3, PtLevel::kL3) & pvmmu::kPteAccessed, 0u);
  EXPECT_NE(tables_.entry(SmallTables::kL2, PtLevel::kL2) & pvmmu::kPteAccessed, 0u);
}

TEST_F(PageWalkerTest, WritesSetDirtyOnTheLeafAlone) {
  tables_.leaf(0) = SmallTables::link_to(Mfn(9));
  const PageWalk walked = walk(0, true);
  ASSERT_TRUE(walked.ok);
  EXPECT_TRUE(walked.translation.dirty);
  EXPECT_EQ(tables_.leaf(0), SmallTables::link_to(Mfn(9)) | pvmmu::kPteAccessedDirty);
  EXPECT_EQ(tables_.entry(SmallTables::kL2, PtLevel::kL2) & pvmmu::kPteDirty, 0u);
}

TEST_F(PageWalkerTest, FaultsSayWhatWasMissingAndMarkNothing) {
  const uint64_t read_only = SmallTables::link_to(Mfn(9), pvmmu::kPtePresent | pvmmu::kPteUser);
  tables_.leaf(1) = read_only;
  tables_.leaf(2) = SmallTables::link_to(Mfn(9), pvmmu::kPtePresent | pvmmu::kPteWritable);
  EXPECT_EQ(walk(0, false).fault_code, kUser);
  EXPECT_EQ(walk(0, true).fault_code, kUser | kWrite);
  EXPECT_EQ(walk(1, true).fault_code, kUser | kWrite | kPresent);
  EXPECT_EQ(walk(2, false).fault_code, kUser | kPresent);
  EXPECT_EQ(tables_.leaf(1), read_only);
  EXPECT_EQ(tables_.entry(SmallTables::kL2, PtLevel::kL2) & pvmmu::kPteAccessed, 0u);
  EXPECT_TRUE(walk(1, false).ok);
}

TEST_F(PageWalkerTest, UpperLevelsTakeRightsAway) {
  tables_.leaf(0) = SmallTables::link_to(Mfn(9));
  tables_.entry(SmallTables::kL3, PtLevel::kL3) &= ~pvmmu::kPteWritable;
  EXPECT_EQ(walk(0, true).fault_code, kUser | kWrite | kPresent);
  EXPECT_FALSE(walk(0, false).translation.writable);
  tables_.entry(SmallTables::kL2, PtLevel::kL2) = 0;
  EXPECT_EQ(walk(0, false).fault_code, kUser);
}

TEST_F(PageWalkerTest, NothingIsMappedAtAnAddressThatIsNotCanonical) {
  const pvmmu::LinearAddr address(uint64_t{1} << 47);
  EXPECT_FALSE(walker_.walk(SmallTables::kRoot, address, false).ok);
}

TEST_F(PageWalkerTest, LargePagesAreClosed) {
  tables_.entry(SmallTables::kL2, PtLevel::kL2) |= pvmmu::kPtePageSize;
  EXPECT_EQ(walk(0, false).fault_code, kUser | kPresent);
}

}  // namespace
}  // namespace vmm
