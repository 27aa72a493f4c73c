// The oracle and the platform's checks must be able to fail: each rule is broken here on purpose,
// by playing an MMU that forgets something.
#include <gtest/gtest.h>

#include "checked_platform.h"

namespace pvmmu::model {
namespace {

constexpr Mfn kData{13};   // mapped writable at the start
constexpr Mfn kTable{17};  // mapped read-only at the start
constexpr TlbFlush kAll{};

class OracleTest : public ::testing::Test {
 protected:
  OracleTest() : frames(kFrames), platform(frames, 2) {
    set_type(kSystemL4, PageType::kL4);
    set_type(kSystemL3, PageType::kL3);
    set_type(kSystemL2, PageType::kL2);
    set_type(kSystemL1, PageType::kL1);
    for (const uint64_t frame : {kSystemL4, kSystemL3, kSystemL2, kSystemL1}) {
      platform.frame_becomes_table(Mfn(frame));
    }
    rest();
    EXPECT_FALSE(platform.finding());
  }

  void set_type(uint64_t frame, PageType type) {
    frames[frame].type = type;
    frames[frame].type_count = type == PageType::kNone ? 0 : 1;
    frames[frame].validation = is_table(type) ? Validation::kWhole : Validation::kUnvalidated;
  }
  // Changes an entry as the MMU does.
  void change(uint64_t table, unsigned slot, uint64_t value, bool announce = true) {
    uint64_t expected = platform.read_entry(Mfn(table), slot);
    ASSERT_TRUE(platform.compare_exchange_entry(Mfn(table), slot, expected, value));
    if (announce) platform.entry_changed(Mfn(table), slot);
  }
  void map(Mfn frame, uint64_t flags) {
    change(kSystemL1, static_cast<unsigned>(frame.raw()), entry_of(frame.raw(), flags));
  }
  void become_table(Mfn frame, PageType type) {
    set_type(frame.raw(), type);
    platform.frame_becomes_table(frame);
  }
  void rest() {
    platform.check_at_rest({{Mfn(kSystemL4), kInvalidMfn}, {Mfn(kSystemL4), kInvalidMfn}});
  }
  void expect_finding(const std::string& part) {
    ASSERT_TRUE(platform.finding()) << "nothing was found";
    EXPECT_NE(platform.finding()->find(part), std::string::npos) << *platform.finding();
  }

  std::vector<PageInfo> frames;
  CheckedPlatform platform;
};

TEST_F(OracleTest, KnowsWhatMayBeWritten) {
  EXPECT_TRUE(platform.oracle().may_write(VcpuId{1}, kData));
  EXPECT_FALSE(platform.oracle().may_write(VcpuId{1}, kTable));
  map(kData, kReadOnly);
  EXPECT_TRUE(platform.oracle().may_write(VcpuId{1}, kData));
  platform.flush_tlb(1, kAll);
  EXPECT_TRUE(platform.oracle().may_write(VcpuId{1}, kData));
  platform.flush_tlb(2, {false, LinearAddr(address_of(kData.raw()) + 0x123)});
  EXPECT_FALSE(platform.oracle().may_write(VcpuId{1}, kData));
  EXPECT_FALSE(platform.finding());
}

TEST_F(OracleTest, AFlushOfAnotherAddressDropsNothing) {
  map(kData, kReadOnly);
  platform.flush_tlb(3, {false, LinearAddr(address_of(kTable.raw()))});
  EXPECT_TRUE(platform.oracle().may_write(VcpuId{0}, kData));
}

TEST_F(OracleTest, TableWhileWritableTranslationLives) {
  map(kData, kReadOnly);
  platform.flush_tlb(1, kAll);
  become_table(kData, PageType::kL1);
  expect_finding("frame 13 becomes a table while vCPU 1 may hold a writable translation");
}

TEST_F(OracleTest, FlushedInTime) {
  map(kData, kReadOnly);
  platform.flush_tlb(3, kAll);
  become_table(kData, PageType::kL1);
  rest();
  EXPECT_FALSE(platform.finding());
}

TEST_F(OracleTest, AFlushBeforeTheChangeIsNoFlush) {
  platform.flush_tlb(3, kAll);
  map(kData, kReadOnly);
  become_table(kData, PageType::kL1);
  expect_finding("may hold a writable translation");
}

TEST_F(OracleTest, AVcpuLoadsWhatWasThereForAMoment) {
  map(kTable, kReadWrite);
  map(kTable, kReadOnly);
  become_table(kTable, PageType::kL1);
  expect_finding("frame 17 becomes a table while vCPU 0 may hold a writable translation");
}

TEST_F(OracleTest, AVcpuInTheHypervisorLoadsNothing) {
  platform.oracle().leave_guest(VcpuId{0}, true);
  map(kTable, kReadWrite);
  map(kTable, kReadOnly);
  EXPECT_FALSE(platform.oracle().may_write(VcpuId{0}, kTable));
  EXPECT_TRUE(platform.oracle().may_write(VcpuId{1}, kTable));
}

TEST_F(OracleTest, DescriptorTableWhileWritableTranslationLives) {
  map(kData, kReadOnly);
  set_type(kData.raw(), PageType::kSegDesc);
  rest();
  expect_finding("frame 13 is a descriptor table while vCPU 0 may hold a writable translation");
}

class FormerTable : public OracleTest {
 protected:
  // kTable is an L1 table below the domain's L2, then cut off again without a flush.
  void link_and_cut() {
    become_table(kTable, PageType::kL1);
    change(kSystemL2, 1, entry_of(kTable.raw(), kReadWrite));
    rest();
    ASSERT_FALSE(platform.finding());
    change(kSystemL2, 1, 0);
    set_type(kTable.raw(), PageType::kNone);
  }
};

TEST_F(FormerTable, TheCallReturnsWithoutFlush) {
  link_and_cut();
  rest();
  expect_finding("may still use frame 17 as the L1 table");
}

TEST_F(FormerTable, FlushOfAnyAddressDropsUpperLevels) {
  link_and_cut();
  platform.flush_tlb(3, {false, LinearAddr(0)});
  rest();
  EXPECT_FALSE(platform.finding());
}

TEST_F(FormerTable, BecomesATableOfAnotherLevel) {
  link_and_cut();
  become_table(kTable, PageType::kL2);
  expect_finding("frame 17 becomes a table while vCPU 0 may still walk it");
}

TEST_F(FormerTable, IsWrittenByTheHypervisor) {
  link_and_cut();
  set_type(kTable.raw(), PageType::kWritable);
  const uint64_t value = 1;
  platform.write_bytes(Maddr(kTable, 0), &value, sizeof value);
  expect_finding("the hypervisor writes frame 17 while vCPU 0 may still walk it");
}

TEST_F(FormerTable, IsMappedWritable) {
  link_and_cut();
  set_type(kTable.raw(), PageType::kWritable);
  map(kTable, kReadWrite);
  rest();
  expect_finding("frame 17 is mapped writable while vCPU 0 may still walk it");
}

TEST_F(FormerTable, IsMappedWritableWithItsReadOnlyTranslationAlive) {
  link_and_cut();
  platform.flush_tlb(3, {false, LinearAddr(0)});
  set_type(kTable.raw(), PageType::kWritable);
  map(kTable, kReadWrite);
  rest();
  expect_finding("may hold the read-only translation that it had as a table");
}

TEST_F(OracleTest, LosingWritePermissionAboveIsAnUpperLevelChange) {
  change(kSystemL2, 0, entry_of(kSystemL1, kReadOnly));
  platform.flush_tlb(3, {false, LinearAddr(0)});  // drops the upper levels, not the translations
  rest();
  expect_finding("that an upper level forbids now");
}

TEST_F(OracleTest, UnannouncedChange) {
  change(kSystemL1, 13, entry_of(13, kReadOnly), false);
  platform.flush_tlb(3, kAll);
  expect_finding("a flush before the change of entry 8.13 was announced");
}

TEST_F(OracleTest, ChangeNeverAnnounced) {
  change(kSystemL1, 13, entry_of(13, kReadOnly), false);
  rest();
  expect_finding("the change of entry 8.13 was not announced");
}

TEST_F(OracleTest, ATableWithoutNotice) {
  set_type(kTable.raw(), PageType::kL1);
  rest();
  expect_finding("frame 17 became a table without notice");
}

TEST_F(OracleTest, AWriteThatEscapesTheTypes) {
  const uint64_t value = 1;
  platform.write_bytes(Maddr(Mfn(kSystemL1), 0), &value, sizeof value);
  expect_finding("a plain write to frame 8, which is of type L1 table");
}

TEST_F(OracleTest, AnEntryReplacedInNoTable) {
  uint64_t expected = 0;
  platform.compare_exchange_entry(kData, 0, expected, 1);
  expect_finding("an entry is replaced in frame 13, which is of type none");
}

TEST_F(OracleTest, AccessOutsideMemory) {
  uint64_t value = 0;
  platform.read_bytes(Maddr(Mfn(kFrames), 0), &value, sizeof value);
  expect_finding("an access outside memory");
}

TEST_F(OracleTest, AccessAcrossFrames) {
  uint64_t value = 0;
  platform.read_bytes(Maddr(kData, kPageSize - 4), &value, sizeof value);
  expect_finding("across a frame");
}

TEST_F(OracleTest, FlushOfVcpusThatDoNotExist) {
  platform.flush_tlb(4, kAll);
  expect_finding("a flush of vCPUs 4");
}

TEST_F(OracleTest, FlushOfANonCanonicalAddress) {
  platform.flush_tlb(1, {false, LinearAddr(uint64_t{1} << 47)});
  expect_finding("non-canonical");
}

}  // namespace
}  // namespace pvmmu::model
