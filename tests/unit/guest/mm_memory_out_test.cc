// What the mm does when frames run out, at every point where it can happen: an error, no leak, and
// an address space that still works.
#include <gtest/gtest.h>

#include <vector>

#include "guest_abi/syscall.h"
#include "mm_fake_machine.h"

namespace kernel::test {
namespace {

constexpr uint64_t kPage = 0x1000;
constexpr uint64_t kReadWrite = guest_abi::kProtRead | guest_abi::kProtWrite;

// Holds all free frames but so many.
class Shortage {
 public:
  explicit Shortage(uint64_t left) {
    while (free_frame_count() > left) {
      held_.push_back(alloc_frame());
    }
  }
  ~Shortage() {
    for (Page* page : held_) {
      frame_put(*page);
    }
  }

 private:
  std::vector<Page*> held_;
};

class MemoryOutTest : public testing::Test {
 protected:
  MemoryOutTest() {
    machine_.start(Options{});
    mm_ = mm_create();
    mm_activate(*mm_, 0);
    at_ = static_cast<uint64_t>(sys_mmap(*mm_, 0, 700 * kPage, kReadWrite, 0));
    // An object of each pool that the tests use, so that the pools' pages are there.
    const int64_t shared = sys_mmap(*mm_, 0, kPage, kReadWrite, guest_abi::kMapShared);
    EXPECT_EQ(sys_munmap(*mm_, static_cast<uint64_t>(shared), kPage), 0);
    for (uint64_t page = 0; page < 600; ++page) {
      machine_.write(*mm_, at_ + page * kPage, page);
    }
    used_ = used_frame_count();
  }
  ~MemoryOutTest() override {
    EXPECT_EQ(used_frame_count(), used_);
    for (uint64_t page = 0; page < 600; ++page) {
      EXPECT_EQ(machine_.read(*mm_, at_ + page * kPage), page);
    }
    mm_deactivate(0);
    mm_put(*mm_);
    EXPECT_EQ(used_frame_count(), 0u);
  }

  FakeMachine& machine_ = FakeMachine::instance();
  Mm* mm_ = nullptr;
  uint64_t at_ = 0;
  uint64_t used_ = 0;
};

TEST_F(MemoryOutTest, ForkFailsAtEveryPoint) {
  for (uint64_t left = 0; left < 6; ++left) {
    Shortage shortage(left);
    EXPECT_EQ(mm_fork(*mm_), nullptr) << left;
  }
  Shortage shortage(6);  // two roots, an L3, an L2 and two L1 tables
  Mm* child = mm_fork(*mm_);
  ASSERT_NE(child, nullptr);
  mm_put(*child);
}

TEST_F(MemoryOutTest, AFaultThatFindsNoFrameIsAnError) {
  Shortage shortage(0);
  EXPECT_EQ(handle_user_fault(*mm_, at_ + 650 * kPage, 6), FaultResult::kNoMemory);
  EXPECT_EQ(sys_populate(*mm_, at_ + 600 * kPage, 50 * kPage, 0), -12);
  EXPECT_EQ(copy_to_user(*mm_, at_ + 650 * kPage, "x", 1), -14);
}

TEST_F(MemoryOutTest, ACopyThatFindsNoFrameLeavesBothSidesAsTheyWere) {
  Mm* child = mm_fork(*mm_);
  ASSERT_NE(child, nullptr);
  {
    Shortage shortage(0);
    EXPECT_EQ(handle_user_fault(*mm_, at_, 7), FaultResult::kNoMemory);
  }
  mm_put(*child);
}

TEST_F(MemoryOutTest, UnmappingNeedsNoMemory) {
  const int64_t other = sys_mmap(*mm_, 0, 1200 * kPage, kReadWrite, 0);
  ASSERT_GT(other, 0);
  const auto start = static_cast<uint64_t>(other);
  for (uint64_t page = 0; page < 1200; ++page) {
    machine_.write(*mm_, start + page * kPage, page);
  }
  Shortage shortage(0);
  EXPECT_EQ(sys_munmap(*mm_, start, 1200 * kPage), 0);
  EXPECT_THROW(machine_.read(*mm_, start + kPage), SegmentationFault);
}

TEST_F(MemoryOutTest, AMoveFailsAtEveryPointAndThenNothingHasMoved) {
  const uint64_t to = uint64_t{1} << 40 | kPage;
  for (uint64_t left = 0; left < 4; ++left) {
    Shortage shortage(left);
    EXPECT_EQ(sys_mremap(*mm_, at_, 600 * kPage, to), -12) << left;
    EXPECT_EQ(sys_pte_query(*mm_, to), 0) << left;
    EXPECT_EQ(machine_.read(*mm_, at_ + 599 * kPage), 599u);
  }
  {
    Shortage shortage(4);  // an L3, an L2 and two L1 tables
    ASSERT_EQ(sys_mremap(*mm_, at_, 600 * kPage, to), static_cast<int64_t>(to));
    EXPECT_THROW(machine_.read(*mm_, at_), SegmentationFault);
  }
  ASSERT_EQ(sys_mremap(*mm_, to, 600 * kPage, at_), static_cast<int64_t>(at_));
}

TEST_F(MemoryOutTest, SwapsOutAsMuchAsTheAreaTakes) {
  {
    Shortage shortage(1);  // each slot is a frame, but each page that leaves gives one back
    EXPECT_EQ(sys_swap_out(*mm_, at_, 600 * kPage), 0);
    EXPECT_EQ(mm_leaks().swap_slots, 600u);
  }
  Shortage shortage(0);  // a slot that has one user becomes the page again
  for (uint64_t page = 0; page < 600; ++page) {
    EXPECT_EQ(machine_.read(*mm_, at_ + page * kPage), page);
  }
  EXPECT_EQ(mm_leaks().swap_slots, 0u);
  EXPECT_EQ(sys_swap_out(*mm_, at_, 600 * kPage), 0);  // no room: they stay
  EXPECT_EQ(mm_leaks().swap_slots, 0u);
}

TEST_F(MemoryOutTest, ASlotOfTwoProcessesNeedsAFrameToComeBack) {
  ASSERT_EQ(sys_swap_out(*mm_, at_, kPage), 0);
  Mm* child = mm_fork(*mm_);
  ASSERT_NE(child, nullptr);
  {
    Shortage shortage(0);
    EXPECT_EQ(handle_user_fault(*mm_, at_, 4), FaultResult::kNoMemory);
    EXPECT_EQ(sys_populate(*mm_, at_, kPage, 0), -12);
  }
  mm_put(*child);
}

TEST_F(MemoryOutTest, ADeviceWhosePageIsNotThereYet) {
  const auto at =
      static_cast<uint64_t>(sys_mmap(*mm_, 0, 64 * kPage, kReadWrite, guest_abi::kMapDevice));
  {
    Shortage shortage(0);
    EXPECT_NE(handle_user_fault(*mm_, at + 63 * kPage, 4), FaultResult::kResolved);
  }
  EXPECT_EQ(sys_munmap(*mm_, at, 64 * kPage), 0);
  EXPECT_EQ(sys_mmap(*mm_, 0, 65 * kPage, kReadWrite, guest_abi::kMapDevice), -22);
  EXPECT_EQ(sys_mmap(*mm_, 0, kPage, kReadWrite, guest_abi::kMapDevice | guest_abi::kMapFile), -22);
}

TEST_F(MemoryOutTest, PinTestTooLargeForMemory) {
  Shortage shortage(100);
  EXPECT_EQ(sys_pin_test(512, 0, 0), -12);
}

}  // namespace
}  // namespace kernel::test
