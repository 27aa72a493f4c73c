#include "sim/scheduler.h"

#include <gtest/gtest.h>

#include <string>

namespace vmm {
namespace {

using Turn = Scheduler::Turn;

class SchedulerTest : public testing::Test {
 protected:
  void make(unsigned count, uint64_t seed) {
    scheduler_ = std::make_unique<Scheduler>(seed, time_);
    time_.start(count, [this](VcpuId vcpu) {
      events_ += 'T';
      turns_[vcpu_index(vcpu)]->wake();
    });
    for (unsigned i = 0; i < count; ++i) turns_.push_back(*scheduler_->create_turn());
  }
  void drive() {
    scheduler_->drive([this] { return over_; });
  }
  // Each turn enters so often, and notes it.
  std::string entries_of_three(uint64_t seed) {
    make(3, seed);
    for (unsigned i = 0; i < 3; ++i) {
      turns_[i]->start([this, i] {
        for (int entry = 0; entry < 10; ++entry) {
          EXPECT_TRUE(scheduler_->before_entry(*turns_[i]));
          events_ += static_cast<char>('a' + i);
        }
      });
    }
    drive();
    turns_.clear();
    return std::exchange(events_, "");
  }

  VirtualTime time_;
  std::unique_ptr<Scheduler> scheduler_;
  std::vector<std::unique_ptr<Turn>> turns_;
  std::string events_;
  DomainMutex mutex_;
  bool over_ = false;
};

TEST_F(SchedulerTest, TheSameSeedGivesTheSameOrder) {
  const std::string first = entries_of_three(1);
  EXPECT_EQ(first.size(), 30u);
  EXPECT_EQ(first, entries_of_three(1));
  EXPECT_NE(first, entries_of_three(2));
}

TEST_F(SchedulerTest, OneThatWaitsGoesOnWhenItIsWoken) {
  make(2, 1);
  turns_[0]->start([this] {
    std::unique_lock lock(mutex_);
    turns_[0]->wait(lock, std::nullopt);
    EXPECT_TRUE(lock.owns_lock());
    events_ += 'w';
  });
  turns_[1]->start([this] {
    events_ += '1';
    turns_[0]->wake();
  });
  drive();
  EXPECT_EQ(events_, "1w");
}

TEST_F(SchedulerTest, AWakeBeforeTheWaitIsNotLost) {
  make(1, 1);
  turns_[0]->start([this] {
    turns_[0]->wake();
    std::unique_lock lock(mutex_);
    turns_[0]->wait(lock, std::nullopt);
    EXPECT_FALSE(turns_[0]->wake_requested());
    events_ += 'w';
  });
  drive();
  EXPECT_EQ(events_, "w");
}

TEST_F(SchedulerTest, WhenAllWaitTimeJumpsToTheNextDeadline) {
  make(1, 1);
  turns_[0]->start([this] {
    std::unique_lock lock(mutex_);
    turns_[0]->wait(lock, 1'000'000'000);
    EXPECT_EQ(time_.now(), 1'000'000'000u);
    time_.set_timer(VcpuId{0}, 3'000'000'000);
    turns_[0]->wait(lock, std::nullopt);
    events_ += 'e';
  });
  drive();
  EXPECT_EQ(events_, "Te");
  EXPECT_EQ(time_.now(), 3'000'000'000u);
}

TEST_F(SchedulerTest, ARunThatIsOverEntersNoMore) {
  make(2, 1);
  for (unsigned i = 0; i < 2; ++i) {
    turns_[i]->start([this, i] {
      for (uint64_t entry = 0; scheduler_->before_entry(*turns_[i]); ++entry) over_ = entry > 1000;
      events_ += 'e';
    });
  }
  drive();
  for (auto& turn : turns_) turn->join();
  EXPECT_EQ(events_, "ee");
}

TEST_F(SchedulerTest, OneThatWasNeverStartedHasNothingToEnd) {
  make(1, 1);
  turns_[0]->join();
  EXPECT_EQ(events_, "");
}

}  // namespace
}  // namespace vmm
