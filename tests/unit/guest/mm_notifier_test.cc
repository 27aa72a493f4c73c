// Notifiers: whatever takes rights, Dirty or the page away from an entry tells a secondary MMU, in
// every mode. The fake one throws when it holds what it must not.
#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "guest_abi/syscall.h"
#include "mm/address_space.h"
#include "mm_fake_machine.h"
#include "mm_fake_secondary.h"

namespace kernel::test {
namespace {

constexpr uint64_t kPage = 0x1000;
constexpr uint64_t kReadWrite = guest_abi::kProtRead | guest_abi::kProtWrite;

class NotifierTest : public testing::TestWithParam<Mode> {
 protected:
  NotifierTest() {
    Options options;
    options.mode = GetParam();
    machine_.start(options);
    mm_ = mm_create();
    mm_activate(*mm_, 0);
    secondary_.emplace(*mm_);
  }
  ~NotifierTest() override {
    if (mm_ != nullptr) {
      end(mm_);
    }
  }

  void end(Mm*& mm) {
    mm_deactivate(0);
    mm_put(*mm);
    mm = nullptr;
  }
  uint64_t map(uint64_t pages, uint64_t flags = 0) {
    return static_cast<uint64_t>(sys_mmap(*mm_, 0, pages * kPage, kReadWrite, flags));
  }
  // Pages that the secondary MMU may write, each with its number.
  uint64_t map_and_take(uint64_t pages, uint64_t flags = 0) {
    const uint64_t at = map(pages, flags);
    for (uint64_t page = 0; page < pages; ++page) {
      secondary_->write(at + page * kPage, page);
    }
    secondary_->check();
    EXPECT_EQ(secondary_->entry_count(), pages);
    return at;
  }

  FakeMachine& machine_ = FakeMachine::instance();
  Mm* mm_ = nullptr;
  std::optional<FakeSecondary> secondary_;
};

TEST_P(NotifierTest, BothSeeTheSameMemory) {
  const uint64_t at = map(2);
  secondary_->write(at, 5);
  EXPECT_EQ(machine_.read(*mm_, at), 5u);
  machine_.write(*mm_, at + kPage, 6);
  EXPECT_EQ(secondary_->read(at + kPage), 6u);
  EXPECT_FALSE(secondary_->holds_writable(at + kPage));
  secondary_->check();
  EXPECT_EQ(secondary_->told().starts + secondary_->told().pages, 0u) << "nothing was taken away";
}

TEST_P(NotifierTest, WhatAProcessMayNotDoTheSecondaryMayNot) {
  const uint64_t at = map(2);
  ASSERT_EQ(sys_mprotect(*mm_, at, kPage, guest_abi::kProtRead), 0);
  ASSERT_EQ(sys_mprotect(*mm_, at + kPage, kPage, 0), 0);
  EXPECT_EQ(secondary_->read(at), 0u);
  EXPECT_THROW(secondary_->write(at, 1), SegmentationFault);
  EXPECT_THROW(secondary_->read(at + kPage), SegmentationFault);
  EXPECT_THROW(secondary_->read(at + 16 * kPage), SegmentationFault);
  EXPECT_THROW(secondary_->read(~uint64_t{0} << 47), SegmentationFault);
  const uint64_t frames = map(1, guest_abi::kMapDevice);
  machine_.write(*mm_, frames, 1);
  EXPECT_THROW(secondary_->read(frames), SegmentationFault) << "nobody counts a driver's frames";
}

TEST_P(NotifierTest, UnmappingTakesTheRange) {
  const uint64_t at = map_and_take(8);
  ASSERT_EQ(sys_munmap(*mm_, at + 2 * kPage, 3 * kPage), 0);
  secondary_->check();
  EXPECT_EQ(secondary_->entry_count(), 5u);
  ASSERT_EQ(sys_madvise_dontneed(*mm_, at, kPage), 0);
  secondary_->check();
  EXPECT_EQ(secondary_->read(at), 0u);
  ASSERT_EQ(sys_mmap(*mm_, at, 8 * kPage, kReadWrite, guest_abi::kMapFixed),
            static_cast<int64_t>(at));
  EXPECT_EQ(secondary_->entry_count(), 0u);
}

TEST_P(NotifierTest, ProtectionTakesTheRange) {
  const uint64_t at = map_and_take(4);
  ASSERT_EQ(sys_mprotect(*mm_, at, 2 * kPage, guest_abi::kProtRead), 0);
  secondary_->check();
  EXPECT_EQ(secondary_->entry_count(), 2u);
  EXPECT_EQ(secondary_->read(at + kPage), 1u);
}

TEST_P(NotifierTest, ARangeEndsAlsoWhenTheWorkFails) {
  const uint64_t at = map_and_take(2);
  EXPECT_EQ(sys_mprotect(*mm_, at, 4 * kPage, guest_abi::kProtRead), -12) << "there is a hole";
  EXPECT_EQ(sys_madvise_dontneed(*mm_, at, 4 * kPage), -12);
  std::vector<Page*> held;
  while (free_frame_count() > 3) {
    held.push_back(alloc_frame());
  }
  EXPECT_EQ(mm_fork(*mm_), nullptr) << "memory is out";
  for (Page* page : held) {
    frame_put(*page);
  }
  secondary_->check();
  EXPECT_GE(secondary_->told().starts, 3u);
}

TEST_P(NotifierTest, AForkLeavesNothingThatMayBeWritten) {
  const uint64_t at = map_and_take(3);
  Mm* child = mm_fork(*mm_);
  ASSERT_NE(child, nullptr);
  secondary_->check();
  EXPECT_EQ(secondary_->read(at + kPage), 1u);
  secondary_->write(at + 2 * kPage, 20);  // breaks copy-on-write
  secondary_->check();
  mm_activate(*child, 0);
  EXPECT_EQ(machine_.read(*child, at + 2 * kPage), 2u);
  mm_activate(*mm_, 0);
  EXPECT_EQ(machine_.read(*mm_, at + 2 * kPage), 20u);
  mm_put(*child);
}

TEST_P(NotifierTest, ACopyOnWriteTakesThePage) {
  const uint64_t at = map_and_take(2);
  Mm* child = mm_fork(*mm_);
  ASSERT_NE(child, nullptr);
  EXPECT_EQ(secondary_->read(at), 0u);
  ASSERT_TRUE(secondary_->holds(at));
  machine_.write(*mm_, at, 7);
  EXPECT_EQ(secondary_->told().pages, 1u);
  secondary_->check();
  EXPECT_EQ(secondary_->read(at), 7u);
  mm_put(*child);
}

TEST_P(NotifierTest, AMoveTakesTheOldPlace) {
  const uint64_t at = map_and_take(4);
  const uint64_t to = uint64_t{1} << 40;
  ASSERT_EQ(sys_mremap(*mm_, at, 4 * kPage, to), static_cast<int64_t>(to));
  secondary_->check();
  EXPECT_EQ(secondary_->entry_count(), 0u);
  EXPECT_EQ(secondary_->read(to + 3 * kPage), 3u);
}

TEST_P(NotifierTest, SwapTakesTheRangeAndBringsPagesBackForTheSecondary) {
  const uint64_t at = map_and_take(4);
  ASSERT_EQ(sys_swap_out(*mm_, at, 4 * kPage), 0);
  secondary_->check();
  EXPECT_EQ(secondary_->entry_count(), 0u);
  EXPECT_NE(sys_pte_query(*mm_, at + kPage) & int64_t{guest_abi::kPteStateSwapped}, 0);
  EXPECT_EQ(secondary_->read(at + kPage), 1u);
  secondary_->check();
}

TEST_P(NotifierTest, WritesOfTheSecondaryMakeAFileDirtyAgainAfterWriteback) {
  const uint64_t at = map_and_take(2, guest_abi::kMapFile);
  const auto dirty = [this](uint64_t address) {
    return (sys_pte_query(*mm_, address) & int64_t{guest_abi::kPteStatePageDirty}) != 0;
  };
  EXPECT_TRUE(dirty(at));
  ASSERT_EQ(sys_writeback(*mm_, at, 2 * kPage), 0);
  secondary_->check();
  EXPECT_FALSE(dirty(at));
  EXPECT_EQ(secondary_->read(at), 0u);
  EXPECT_FALSE(dirty(at));
  secondary_->write(at, 3);
  secondary_->check();
  EXPECT_TRUE(dirty(at));
}

TEST_P(NotifierTest, ClearedReferencesComeBackByTheSecondary) {
  const uint64_t at = map_and_take(2);
  ASSERT_EQ(sys_clear_refs(*mm_, at, 2 * kPage), 0);
  secondary_->check();
  EXPECT_EQ(sys_pte_query(*mm_, at) & int64_t{guest_abi::kPteStateDirty}, 0);
  secondary_->write(at, 1);
  EXPECT_NE(sys_pte_query(*mm_, at) & int64_t{guest_abi::kPteStateDirty}, 0);
  secondary_->check();
}

TEST_P(NotifierTest, YoungInTheSecondaryCountsOnce) {
  const uint64_t at = map_and_take(600);
  EXPECT_EQ(sys_test_and_clear_young(*mm_, at, 600 * kPage), 600);
  EXPECT_EQ(sys_test_and_clear_young(*mm_, at, 600 * kPage), 0);
  secondary_->read(at + 3 * kPage);
  secondary_->read(at + 599 * kPage);
  machine_.read(*mm_, at + 3 * kPage);
  machine_.read(*mm_, at + 4 * kPage);
  EXPECT_EQ(sys_test_and_clear_young(*mm_, at, 600 * kPage), 3);
  EXPECT_EQ(secondary_->entry_count(), 600u) << "ageing takes nothing away";
  secondary_->check();
}

TEST_P(NotifierTest, TheEndReleases) {
  map_and_take(5);
  end(mm_);
  EXPECT_EQ(secondary_->told().releases, 1u);
  EXPECT_EQ(secondary_->entry_count(), 0u);
}

TEST_P(NotifierTest, SeveralMayListen) {
  FakeSecondary other(*mm_);
  const uint64_t at = map_and_take(2);
  EXPECT_EQ(other.read(at + kPage), 1u);
  ASSERT_EQ(sys_munmap(*mm_, at, 2 * kPage), 0);
  other.check();
  EXPECT_EQ(other.entry_count(), 0u);
  EXPECT_EQ(secondary_->entry_count(), 0u);
}

TEST_P(NotifierTest, NobodyHearsAfterLeaving) {
  const uint64_t at = map(2);
  secondary_.reset();
  EXPECT_FALSE(has_notifiers(*mm_));
  machine_.write(*mm_, at, 1);
  EXPECT_EQ(sys_munmap(*mm_, at, 2 * kPage), 0);
}

INSTANTIATE_TEST_SUITE_P(Modes, NotifierTest,
                         testing::Values(Mode::kEmulate, Mode::kSingle, Mode::kLazy, Mode::kBatched,
                                         Mode::kBest),
                         [](const auto& mode) { return std::string(mode_name(mode.param)); });

}  // namespace
}  // namespace kernel::test
