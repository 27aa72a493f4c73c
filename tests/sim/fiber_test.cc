#include "sim/fiber.h"

#include <gtest/gtest.h>

#include <vector>

#include "sim/host_pages.h"

namespace vmm {
namespace {

constexpr size_t kStackBytes = 256 << 10;

Fiber host;
Fiber one;
Fiber other;
std::vector<int> seen;

void count_up() {
  for (int i = 0;; ++i) {
    seen.push_back(i);
    one.switch_to(host);
  }
}

void visit_the_other() {
  seen.push_back(1);
  one.switch_to(other);
  seen.push_back(3);
  one.switch_to(host);
}

void go_back() {
  seen.push_back(2);
  other.switch_to(one);
}

class FiberTest : public testing::Test {
 protected:
  void SetUp() override {
    seen.clear();
    auto pages = HostPages::create(2 * kStackBytes);
    ASSERT_TRUE(pages.ok());
    pages_ = *std::move(pages);
  }
  HostPages pages_;
};

TEST_F(FiberTest, KeepsItsStackFromTurnToTurn) {
  one.prepare(pages_.base(), kStackBytes, count_up);
  for (int i = 0; i < 3; ++i) host.switch_to(one);
  EXPECT_EQ(seen, (std::vector<int>{0, 1, 2}));
}

TEST_F(FiberTest, BeginsAnewWhenPreparedAgain) {
  one.prepare(pages_.base(), kStackBytes, count_up);
  host.switch_to(one);
  host.switch_to(one);
  one.prepare(pages_.base(), kStackBytes, count_up);
  host.switch_to(one);
  EXPECT_EQ(seen, (std::vector<int>{0, 1, 0}));
}

TEST_F(FiberTest, SwitchesAmongEachOther) {
  one.prepare(pages_.base(), kStackBytes, visit_the_other);
  other.prepare(pages_.base() + kStackBytes, kStackBytes, go_back);
  host.switch_to(one);
  EXPECT_EQ(seen, (std::vector<int>{1, 2, 3}));
}

}  // namespace
}  // namespace vmm
