#include "explore/shrink.h"

#include <gmock/gmock.h>

#include "toy.h"

namespace vmm::explore {
namespace {

using testing::SizeIs;

RunRecord run_walk(const Toy& toy, uint64_t seed) {
  Plan walk;
  walk.walk = seed;
  return toy.run(walk);
}

RunRecord run_switches(const Toy& toy, Schedule switches) {
  Plan plan;
  plan.switches = std::move(switches);
  return toy.run(plan);
}

ShrinkCalls calls_of(const Toy& toy) {
  return {.run = [&toy](const Plan& plan) { return toy.run(plan); },
          .gives_up = [] { return false; },
          .progress = [](uint64_t, size_t) {}};
}

Shrunk shrink_toy(const Toy& toy, const RunRecord& failed) {
  return shrink(failed, 0, calls_of(toy));
}

// A lost update, and a third turn that has nothing to do with it.
Toy with_a_bystander(const LostUpdate& bug) {
  Toy toy = bug.toy;
  toy.steps.push_back(std::vector<std::function<void()>>(9, [] {}));
  return toy;
}

TEST(ShrinkTest, TakesOutWhatIsNotNeeded) {
  const LostUpdate bug;
  // There, back, there, and back behind the harm.
  const RunRecord failed = run_switches(bug.toy, {{1, 1}, {2, 0}, {4, 1}, {7, 0}});
  ASSERT_EQ(failed.verdict, Verdict::kFailed);
  const Shrunk shrunk = shrink_toy(bug.toy, failed);
  EXPECT_THAT(shrunk.record.schedule(), SizeIs(1));
  EXPECT_TRUE(shrunk.minimal);
  EXPECT_GT(shrunk.runs, 0u);
  EXPECT_TRUE(run_switches(bug.toy, shrunk.record.schedule()).fails_like(failed));
}

// Without the bystander's steps the switch that matters is at another point of the run, but behind
// the same step of its turn.
TEST(ShrinkTest, WhatIsLeftStaysWhereItWasForItsTurn) {
  const LostUpdate bug;
  const Toy toy = with_a_bystander(bug);
  const RunRecord failed = run_switches(toy, {{1, 2}, {6, 0}, {8, 1}});
  ASSERT_EQ(failed.verdict, Verdict::kFailed);
  ASSERT_NE(run_switches(toy, {{8, 1}}).verdict, Verdict::kFailed);
  EXPECT_EQ(shrink_toy(toy, failed).record.schedule(), (Schedule{{3, 1}}));
}

// Of the two orders that are bad the one with fewer switches is not a part of the other.
TEST(ShrinkTest, TwoSwitchesAreReplacedByOne) {
  std::string order;
  Toy toy;
  for (const char name : {'a', 'b'}) {
    toy.steps.push_back(std::vector<std::function<void()>>(4, [&order, name] { order += name; }));
  }
  toy.start = [&order] { order.clear(); };
  toy.check = [&order] { return order == "ababaabb" || order == "abaabbba" ? "bad" : ""; };
  const RunRecord failed = run_switches(toy, {{1, 1}, {2, 0}, {3, 1}, {4, 0}});
  ASSERT_EQ(order, "ababaabb");
  const Shrunk shrunk = shrink_toy(toy, failed);
  EXPECT_EQ(shrunk.record.schedule(), (Schedule{{1, 1}, {2, 0}, {4, 1}}));
  EXPECT_TRUE(shrunk.minimal);
}

TEST(ShrinkTest, StopsAtTheLengthBelowWhichNothingFails) {
  const LostUpdate bug;
  const RunRecord failed = run_switches(bug.toy, {{1, 1}, {2, 0}, {4, 1}, {7, 0}});
  const size_t size = failed.schedule().size();
  const Shrunk shrunk = shrink(failed, size, calls_of(bug.toy));
  EXPECT_EQ(shrunk.runs, 0u);
  EXPECT_TRUE(shrunk.minimal);
}

TEST(ShrinkTest, AnotherSortOfFailureIsNoneOfThis) {
  const LostUpdate bug;
  Toy toy = bug.toy;
  Schedule made;
  const RunRecord failed = run_switches(toy, {{1, 1}, {2, 0}, {4, 1}, {7, 0}});
  ShrinkCalls calls = calls_of(toy);
  calls.run = [&](const Plan& plan) {
    RunRecord record = toy.run(plan);
    if (record.schedule().size() < 2) record.sort = "another";
    return record;
  };
  EXPECT_THAT(shrink(failed, 0, calls).record.schedule(), SizeIs(2));
}

TEST(ShrinkTest, StopsWhenItIsToldToAndSaysSo) {
  const LostUpdate bug;
  const RunRecord failed = run_switches(bug.toy, {{1, 1}, {2, 0}, {4, 1}, {7, 0}});
  ShrinkCalls calls = calls_of(bug.toy);
  calls.gives_up = [] { return true; };
  const Shrunk shrunk = shrink(failed, 0, calls);
  EXPECT_FALSE(shrunk.minimal);
  EXPECT_EQ(shrunk.runs, 0u);
  EXPECT_EQ(shrunk.record.schedule(), failed.schedule());
}

// By itself, however the failure was found.
TEST(ShrinkTest, WhatIsLeftNeedsEachOfItsSwitches) {
  const LostUpdate bug;
  const Toy toy = with_a_bystander(bug);
  unsigned failures = 0;
  for (uint64_t seed = 1; seed < 400; ++seed) {
    const RunRecord failed = run_walk(toy, seed);
    if (failed.verdict != Verdict::kFailed) continue;
    ++failures;
    const Shrunk shrunk = shrink_toy(toy, failed);
    ASSERT_TRUE(shrunk.minimal);
    const Schedule schedule = shrunk.record.schedule();
    ASSERT_TRUE(run_switches(toy, schedule).fails_like(failed));
    for (size_t i = 0; i < schedule.size(); ++i) {
      Schedule less = schedule;
      less.erase(less.begin() + static_cast<ptrdiff_t>(i));
      EXPECT_FALSE(run_switches(toy, less).fails_like(failed)) << seed;
    }
  }
  EXPECT_GT(failures, 20u);
}

TEST(TurnSwitchTest, ARunIsTheSameByItsTurnsSwitches) {
  const Toy toy = idle_toy(3, 9);
  for (uint64_t seed = 1; seed < 200; ++seed) {
    const RunRecord walk = run_walk(toy, seed);
    Plan plan;
    plan.turn_switches = walk.turn_schedule();
    const RunRecord again = toy.run(plan);
    EXPECT_EQ(again.schedule(), walk.schedule()) << seed;
    EXPECT_EQ(again.turn_schedule(), plan.turn_switches) << seed;
  }
}

}  // namespace
}  // namespace vmm::explore
