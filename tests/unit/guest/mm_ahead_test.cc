// Entries prepared ahead of their use: fewer calls, and nobody can tell otherwise.
#include <gtest/gtest.h>

#include "guest_abi/syscall.h"
#include "mm/address_space.h"
#include "mm/swap_area.h"
#include "mm_fake_machine.h"

namespace kernel::test {
namespace {

constexpr uint64_t kPage = 0x1000;
constexpr uint64_t kPages = 200;
constexpr uint64_t kArena = guest_abi::kArenaBase;
constexpr uint64_t kReadWrite = guest_abi::kProtRead | guest_abi::kProtWrite;

class AheadTest : public testing::Test {
 protected:
  void start(bool extensions = true, unsigned vcpus = 1,
             multicall::Limits batch = multicall::kLargestLimits) {
    Options options;
    options.mode = Mode::kBest;
    options.batch = batch;
    options.vcpus = vcpus;
    machine_.set_extensions(extensions);
    machine_.start(options);
    machine_.set_extensions(true);
    frames_before_ = used_frame_count();
    mm_ = mm_create();
    mm_activate(*mm_, 0);
    ASSERT_EQ(sys_mmap(*mm_, kArena, kPages * kPage, kReadWrite, guest_abi::kMapFixed),
              static_cast<int64_t>(kArena));
  }
  void TearDown() override {
    mm_deactivate(0);
    mm_put(*mm_);
    EXPECT_EQ(used_frame_count(), frames_before_) << "frames leaked";
    EXPECT_FALSE(mm_leaks().any());
  }
  static uint64_t at(uint64_t page) { return kArena + page * kPage; }
  uint64_t state(uint64_t page) { return static_cast<uint64_t>(sys_pte_query(*mm_, at(page))); }
  // The hypercalls that it takes to write each page of a range.
  uint64_t calls_to_write(uint64_t first, uint64_t end) {
    const uint64_t before = machine_.calls().hypercalls;
    for (uint64_t page = first; page < end; ++page) {
      machine_.write(*mm_, at(page), page + 1);
    }
    return machine_.calls().hypercalls - before;
  }
  void expect_values(uint64_t first, uint64_t end) {
    for (uint64_t page = first; page < end; ++page) {
      ASSERT_EQ(machine_.read(*mm_, at(page)), page + 1);
    }
  }

  FakeMachine& machine_ = FakeMachine::instance();
  uint64_t frames_before_ = 0;
  Mm* mm_ = nullptr;
};

// The first two faults show an order; then windows of 4, 8, 16 and 30 entries and one fault each.
TEST_F(AheadTest, MemoryThatIsUsedInOrderTakesFewCalls) {
  start();
  machine_.write(*mm_, at(0), 1);
  EXPECT_EQ(calls_to_write(1, 64), 4u + 1);
  EXPECT_EQ(machine_.calls().demand_fills, 4u + 8 + 16 + 30);
  expect_values(0, 64);
}

// A table, its pin, its link and its first entry are one call.
TEST_F(AheadTest, ANewTableLeavesWithItsFirstEntry) {
  start();
  EXPECT_EQ(calls_to_write(0, 1), 1u);
  EXPECT_EQ(machine_.calls().pins, 1u + 2);  // and the roots
  expect_values(0, 1);
}

TEST_F(AheadTest, WithoutTheExtensionEachPageIsACall) {
  start(false);
  machine_.write(*mm_, at(0), 1);
  EXPECT_EQ(calls_to_write(1, 64), 63u);
  EXPECT_EQ(machine_.calls().demand_fills, 0u);
}

TEST_F(AheadTest, WithoutBatchingNothingIsPrepared) {
  start(true, 1, multicall::kUnbatchedLimits);
  calls_to_write(0, 64);
  EXPECT_EQ(machine_.calls().demand_fills, 0u);
}

TEST_F(AheadTest, MemoryThatIsUsedInNoOrderTakesACallAPage) {
  start();
  machine_.write(*mm_, at(0), 1);
  const uint64_t before = machine_.calls().hypercalls;
  for (uint64_t page = 150; page > 100; page -= 2) {
    machine_.write(*mm_, at(page), page);
  }
  EXPECT_EQ(machine_.calls().hypercalls - before, 25u);
}

TEST_F(AheadTest, WhatWasNotUsedIsSeenByNobodyAndComesBack) {
  start();
  calls_to_write(0, 9);  // prepared behind it: up to 15
  const uint64_t used = used_frame_count();
  for (uint64_t page = 9; page < 40; ++page) {
    EXPECT_EQ(state(page), guest_abi::kPteStateTable) << page;
  }
  EXPECT_LT(used_frame_count(), used);
  EXPECT_NE(state(8) & guest_abi::kPteStateDirty, 0u);
  expect_values(0, 9);
  EXPECT_EQ(machine_.read(*mm_, at(12)), 0u);
}

TEST_F(AheadTest, ReadPagesAreAccessedAndClean) {
  start();
  for (uint64_t page = 0; page < 20; ++page) {
    EXPECT_EQ(machine_.read(*mm_, at(page)), 0u);
  }
  EXPECT_GT(machine_.calls().demand_fills, 0u);
  for (uint64_t page = 0; page < 20; ++page) {
    EXPECT_NE(state(page) & guest_abi::kPteStateAccessed, 0u);
    EXPECT_EQ(state(page) & guest_abi::kPteStateDirty, 0u);
  }
}

TEST_F(AheadTest, SwappedPagesComeBackInWindows) {
  start();
  calls_to_write(0, 64);
  ASSERT_EQ(sys_swap_out(*mm_, at(0), 64 * kPage), 0);
  EXPECT_EQ(swap_slots_in_use(), 64u);
  const uint64_t before = machine_.calls().hypercalls;
  expect_values(0, 40);
  EXPECT_LT(machine_.calls().hypercalls - before, 10u);
  EXPECT_NE(state(63) & guest_abi::kPteStateSwapped, 0u);
  EXPECT_EQ(swap_slots_in_use(), 24u);
  expect_values(40, 64);
  ASSERT_EQ(sys_munmap(*mm_, at(0), kPages * kPage), 0);
  EXPECT_EQ(swap_slots_in_use(), 0u);
}

// Another vCPU uses what this one prepared, and this one settles meanwhile.
TEST_F(AheadTest, WhatAnotherVcpuWroteStays) {
  start(true, 2);
  machine_.run_on(1);
  mm_activate(*mm_, 1);
  machine_.run_on(0);
  calls_to_write(0, 3);  // prepared: 3, 4, 5 ...
  machine_.run_on(1);
  machine_.write(*mm_, at(4), 5);
  machine_.run_on(0);
  EXPECT_EQ(state(3), guest_abi::kPteStateTable);
  EXPECT_NE(state(4) & guest_abi::kPteStateDirty, 0u);
  EXPECT_EQ(machine_.read(*mm_, at(4)), 5u);
  machine_.run_on(1);
  mm_deactivate(1);
  machine_.run_on(0);
}

TEST_F(AheadTest, AnotherAddressSpaceFindsAllTheMemory) {
  start();
  Mm* other = mm_create();
  mm_activate(*other, 0);
  mm_activate(*mm_, 0);
  machine_.write(*mm_, at(100), 1);  // makes the tables
  const uint64_t used = used_frame_count();
  calls_to_write(0, 3);
  EXPECT_GT(used_frame_count(), used + 3);
  mm_activate(*other, 0);
  EXPECT_EQ(used_frame_count(), used + 3);
  mm_activate(*mm_, 0);
  mm_put(*other);
}

// Young pages are found without a trap for each, and what they were written is not forgotten.
TEST_F(AheadTest, YoungIsTestedAndClearedInTwoSections) {
  start();
  calls_to_write(0, 64);
  ASSERT_EQ(sys_clear_refs(*mm_, at(0), 64 * kPage), 0);
  for (uint64_t page = 0; page < 32; ++page) {
    machine_.read(*mm_, at(page));
  }
  machine_.write(*mm_, at(5), 6);
  const uint64_t before = machine_.calls().hypercalls;
  EXPECT_EQ(sys_test_and_clear_young(*mm_, at(0), 64 * kPage), 32);
  EXPECT_LE(machine_.calls().hypercalls - before, 3u);
  EXPECT_EQ(machine_.calls().emulated_stores, 0u);
  EXPECT_EQ(state(5) & guest_abi::kPteStateAccessed, 0u);
  EXPECT_NE(state(5) & guest_abi::kPteStateDirty, 0u);
  EXPECT_EQ(state(6) & guest_abi::kPteStateDirty, 0u);
  EXPECT_EQ(sys_test_and_clear_young(*mm_, at(0), 64 * kPage), 0);
  expect_values(0, 64);
}

}  // namespace
}  // namespace kernel::test
