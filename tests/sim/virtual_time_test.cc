#include "sim/virtual_time.h"

#include <gtest/gtest.h>

namespace vmm {
namespace {

class VirtualTimeTest : public testing::Test {
 protected:
  VirtualTimeTest() {
    time_.start(2, [this](VcpuId vcpu) { fired_.push_back(vcpu_index(vcpu)); });
  }
  VirtualTime time_;
  std::vector<unsigned> fired_;
};

TEST_F(VirtualTimeTest, StandsStillByItself) {
  EXPECT_EQ(time_.now(), 0u);
  time_.advance(5);
  EXPECT_EQ(time_.now(), 5u);
  EXPECT_EQ(time_.reading(VcpuId{1}).guest_tsc, 5u);
}

TEST_F(VirtualTimeTest, FiresEachTimerOnceWhenItsTimeHasCome) {
  time_.set_timer(VcpuId{0}, 20);
  time_.set_timer(VcpuId{1}, 10);
  EXPECT_EQ(time_.next_deadline(), 10u);
  time_.advance(9);
  EXPECT_EQ(fired_, std::vector<unsigned>{});
  time_.advance(1);
  EXPECT_EQ(fired_, (std::vector<unsigned>{1}));
  EXPECT_TRUE(time_.any_armed());
  time_.advance(100);
  EXPECT_EQ(fired_, (std::vector<unsigned>{1, 0}));
  EXPECT_FALSE(time_.any_armed());
}

TEST_F(VirtualTimeTest, ADeadlineInThePastFiresAtTheNextStep) {
  time_.advance(50);
  time_.set_timer(VcpuId{0}, 10);
  time_.advance(1);
  EXPECT_EQ(fired_, (std::vector<unsigned>{0}));
}

TEST_F(VirtualTimeTest, StoppedTimersDoNotFire) {
  time_.set_timer(VcpuId{0}, 1);
  time_.set_timer(VcpuId{1}, 1);
  time_.stop_timer(VcpuId{0});
  EXPECT_TRUE(time_.any_armed());
  time_.stop();
  EXPECT_FALSE(time_.any_armed());
  time_.advance(10);
  EXPECT_EQ(fired_, std::vector<unsigned>{});
}

}  // namespace
}  // namespace vmm
