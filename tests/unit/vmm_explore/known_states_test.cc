#include "explore/known_states.h"

#include <gtest/gtest.h>

namespace vmm::explore {
namespace {

TEST(KnownStatesTest, AStateIsKnownWithAsManySwitchesOrFewer) {
  auto states = KnownStates::create();
  ASSERT_TRUE(states.ok());
  EXPECT_FALSE(states->know(0x1230, 1));
  EXPECT_TRUE(states->know(0x1230, 1));
  EXPECT_TRUE(states->know(0x1230, 0));
  EXPECT_FALSE(states->know(0x1230, 2));
  EXPECT_TRUE(states->know(0x1230, 2));
  EXPECT_FALSE(states->know(0x1240, 0));
}

// They share a slot.
TEST(KnownStatesTest, StatesThatFallOnEachOtherAreKeptApart) {
  auto states = KnownStates::create();
  ASSERT_TRUE(states.ok());
  constexpr uint64_t kApart = uint64_t{1} << 40;
  for (uint64_t i = 1; i <= 200; ++i) EXPECT_FALSE(states->know(i * kApart, 0));
  unsigned known = 0;
  for (uint64_t i = 1; i <= 200; ++i) known += states->know(i * kApart, 0) ? 1 : 0;
  EXPECT_EQ(known, 64u);  // for the rest there is no room
}

}  // namespace
}  // namespace vmm::explore
