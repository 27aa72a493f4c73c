#include "explore/search.h"

#include <gmock/gmock.h>

#include "toy.h"

namespace vmm::explore {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

SearchResult search_toy(const Toy& toy, const SearchOptions& options,
                        std::vector<Schedule>* ran = nullptr) {
  SearchCalls calls;
  calls.run = [&](unsigned, const Plan& plan) {
    RunRecord record = toy.run(plan);
    if (ran != nullptr) ran->push_back(record.schedule());
    return record;
  };
  calls.interrupted = [] { return false; };
  calls.progress = [](const SearchTotals&) {};
  return search(options, calls);
}

std::vector<uint64_t> tried(const SearchResult& result) {
  std::vector<uint64_t> counts;
  for (const Round& round : result.totals.rounds) {
    EXPECT_EQ(round.tried, round.schedules);
    counts.push_back(round.tried);
  }
  return counts;
}

// Turn 0 has a point in front of each of its steps at which turn 1 could go on. Behind a switch
// turn 1 has made one step, and has one point less at which turn 0 could.
TEST(SearchTest, TriesEachScheduleOfARoundOnce) {
  const Toy toy = idle_toy(2, 3);
  SearchOptions options{.bound = 0, .walks = false};
  EXPECT_THAT(tried(search_toy(toy, options)), ElementsAre(1));
  options.bound = 1;
  EXPECT_THAT(tried(search_toy(toy, options)), ElementsAre(1, 3));
  options.bound = 2;
  std::vector<Schedule> ran;
  EXPECT_THAT(tried(search_toy(toy, options, &ran)), ElementsAre(1, 3, 6));
  std::sort(ran.begin(), ran.end());
  EXPECT_EQ(std::unique(ran.begin(), ran.end()), ran.end());
}

// There are as many interleavings of two times three steps as ways to choose three of six.
TEST(SearchTest, WithoutABoundTriesEveryInterleaving) {
  std::string order;
  std::set<std::string> orders;
  Toy toy;
  for (const char name : {'a', 'b'}) {
    toy.steps.push_back(std::vector<std::function<void()>>(3, [&order, name] { order += name; }));
  }
  toy.start = [&order] { order.clear(); };
  toy.check = [&] {
    orders.insert(order);
    return std::string();
  };
  search_toy(toy, {.bound = 8, .walks = false});
  EXPECT_THAT(orders, SizeIs(20));
}

TEST(SearchTest, ThreeTurnsHaveTwoOthersEach) {
  EXPECT_THAT(tried(search_toy(idle_toy(3, 2), {.bound = 1, .walks = false})), ElementsAre(1, 6));
}

TEST(SearchTest, FindsALostUpdateWithOneSwitch) {
  const LostUpdate bug;
  const SearchResult result = search_toy(bug.toy, {.bound = 1, .walks = false});
  ASSERT_TRUE(result.failure);
  EXPECT_EQ(result.failure->shortest.what, "an update is lost");
  EXPECT_FALSE(result.failure->by_chance);
  // In front of the store.
  EXPECT_EQ(result.failure->shortest.schedule(), (Schedule{{3, 1}}));
  EXPECT_EQ(result.failure->after, 5u);
}

TEST(SearchTest, FindsItByChanceToo) {
  const LostUpdate bug;
  // The rounds end with the only schedule without a switch.
  const SearchResult result = search_toy(bug.toy, {.bound = 0, .walks = true, .count = 1000});
  ASSERT_TRUE(result.failure);
  EXPECT_TRUE(result.failure->by_chance);
  EXPECT_THAT(result.failure->shortest.schedule(), SizeIs(1));
}

TEST(SearchTest, TheSameSeedTriesTheSame) {
  const Toy toy = idle_toy(3, 6);
  const auto ran_with = [&](uint64_t seed) {
    std::vector<Schedule> ran;
    search_toy(toy, {.bound = 2, .walks = true, .seed = seed, .count = 300}, &ran);
    return ran;
  };
  const auto once = ran_with(5);
  EXPECT_THAT(once, SizeIs(300));
  EXPECT_EQ(once, ran_with(5));
  EXPECT_NE(once, ran_with(6));
}

TEST(SearchTest, SeveralJobsTryTheSameRounds) {
  const Toy toy = idle_toy(2, 8);
  const SearchOptions options{.bound = 2, .walks = false, .jobs = 4};
  EXPECT_THAT(tried(search_toy(toy, options)), ElementsAre(1, 8, 56));
}

TEST(SearchTest, EndsAfterTheCountAndWhenInterrupted) {
  const Toy toy = idle_toy(2, 8);
  EXPECT_EQ(search_toy(toy, {.count = 7}).totals.tried(), 7u);
  SearchCalls calls;
  calls.run = [&](unsigned, const Plan& plan) { return toy.run(plan); };
  calls.interrupted = [] { return true; };
  calls.progress = [](const SearchTotals&) {};
  const SearchResult result = search({}, calls);
  EXPECT_TRUE(result.interrupted);
  EXPECT_FALSE(result.failure);
}

TEST(SearchTest, SaysWhyThereAreNoRuns) {
  SearchCalls calls;
  calls.run = [](unsigned, const Plan&) { return RunRecord{Verdict::kCannot, "no memory", {}}; };
  calls.interrupted = [] { return false; };
  calls.progress = [](const SearchTotals&) {};
  EXPECT_EQ(search({}, calls).cannot, "no memory");
}

// A run that came to a known state leads to nothing behind it, and is no failure.
TEST(SearchTest, ARunThatEndsInAKnownStateIsCounted) {
  const Toy toy = idle_toy(2, 3);
  SearchCalls calls;
  calls.run = [&](unsigned, const Plan& plan) {
    RunRecord record = toy.run(plan);
    if (plan.switches.size() == 1) {
      record.verdict = Verdict::kKnown;
      record.points.resize(plan.switches[0].point + 1);
    }
    return record;
  };
  calls.interrupted = [] { return false; };
  calls.progress = [](const SearchTotals&) {};
  const SearchResult result = search({.bound = 2, .walks = false}, calls);
  EXPECT_FALSE(result.failure);
  EXPECT_EQ(result.totals.known, 3u);
  EXPECT_EQ(result.totals.tried(), 4u);
}

// Every walk fails, with all its switches alone, and at most one schedule of two.
SearchResult search_behind_a_walk(const Schedule& fails) {
  const Toy toy = idle_toy(2, 6);
  SearchCalls calls;
  calls.run = [&](unsigned, const Plan& plan) {
    RunRecord record = toy.run(plan);
    const bool is_it = !fails.empty() && record.schedule() == fails;
    if (is_it || (plan.walk != 0 && record.schedule().size() > 2))
      record.verdict = Verdict::kFailed;
    return record;
  };
  calls.interrupted = [] { return false; };
  calls.progress = [](const SearchTotals&) {};
  return search({.bound = 2, .shortest = true}, calls);
}

TEST(SearchTest, GoesOnForAShorterOne) {
  const Schedule fails = {{1, 1}, {4, 0}};
  const SearchResult result = search_behind_a_walk(fails);
  ASSERT_TRUE(result.failure);
  EXPECT_TRUE(result.failure->by_chance);
  EXPECT_GT(result.failure->found.schedule().size(), 2u);
  EXPECT_EQ(result.failure->shortest.schedule(), fails);
  EXPECT_EQ(result.totals.all_below(), 2u);
}

TEST(SearchTest, KnowsThatThereIsNoShorterOne) {
  const SearchResult result = search_behind_a_walk({});
  ASSERT_TRUE(result.failure);
  EXPECT_GT(result.failure->shortest.schedule().size(), 2u);
  EXPECT_EQ(result.failure->shortest.schedule(), result.failure->found.schedule());
  EXPECT_EQ(result.totals.all_below(), 3u);
}

TEST(SearchTest, WithoutShrinkingAFailureStaysAsItWasFound) {
  const LostUpdate bug;
  const SearchResult result =
      search_toy(bug.toy, {.bound = 0, .walks = true, .count = 1000, .shrink = false});
  ASSERT_TRUE(result.failure);
  EXPECT_EQ(result.failure->shortest.schedule(), result.failure->found.schedule());
  EXPECT_FALSE(result.failure->minimal);
  EXPECT_EQ(result.totals.shrinking, 0u);
}

TEST(ChooserTest, AWalkIsReplayedByTheSwitchesThatItMade) {
  const Toy toy = idle_toy(3, 9);
  for (uint64_t seed = 1; seed < 200; ++seed) {
    Plan walk;
    walk.walk = seed;
    const RunRecord first = toy.run(walk);
    Plan again;
    again.switches = first.schedule();
    const RunRecord second = toy.run(again);
    EXPECT_EQ(second.schedule(), again.switches);
    ASSERT_EQ(first.points.size(), second.points.size());
    for (size_t i = 0; i < first.points.size(); ++i) {
      EXPECT_EQ(first.points[i].chosen, second.points[i].chosen);
    }
  }
}

TEST(ChooserTest, ATurnThatCannotGoOnIsNotChosen) {
  const Toy toy = idle_toy(2, 3);
  Plan plan;
  plan.switches = {{0, 5}, {4, 0}};
  EXPECT_THAT(toy.run(plan).schedule(), IsEmpty());
}

TEST(ChooserTest, WhoWaitsInALoopGivesWayByItself) {
  EXPECT_EQ(usual_turn(PointKind::store, 0, 0b11), 0u);
  EXPECT_EQ(usual_turn(PointKind::relax, 0, 0b11), 1u);
  EXPECT_EQ(usual_turn(PointKind::relax, 1, 0b11), 0u);
  EXPECT_EQ(usual_turn(PointKind::relax, 1, 0b10), 1u);
  EXPECT_EQ(usual_turn(PointKind::store, 0, 0b110), 1u);
}

}  // namespace
}  // namespace vmm::explore
