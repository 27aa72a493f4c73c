// Runs that end in known states hide nothing: on toys whose outcomes are all known.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "absl/hash/hash.h"
#include "explore/known_states.h"
#include "explore/search.h"
#include "sim/random.h"
#include "toy.h"

namespace vmm::explore {
namespace {

// Turns that load, store and add to a few words, each with a register: a program by chance.
class RandomToy {
 public:
  static constexpr unsigned kWords = 2;

  RandomToy(uint64_t seed, unsigned turns, unsigned steps) : registers_(turns) {
    Random random(seed);
    toy_.steps.resize(turns);
    for (unsigned turn = 0; turn < turns; ++turn) {
      for (unsigned i = 0; i < steps; ++i) toy_.steps[turn].push_back(step(random, turn));
    }
    toy_.start = [this] {
      std::fill(registers_.begin(), registers_.end(), 0);
      words_.fill(0);
    };
    toy_.check = [this] { return std::string(); };
    toy_.state = [this] { return absl::HashOf(registers_, words_); };
  }
  RandomToy(const RandomToy&) = delete;
  RandomToy& operator=(const RandomToy&) = delete;

  // What memory can hold at the end of the runs of a search.
  std::set<std::array<uint64_t, kWords>> outcomes(uint64_t bound, KnownStates* states,
                                                  SearchTotals& totals) {
    std::set<std::array<uint64_t, kWords>> all;
    toy_.states = states;
    SearchCalls calls;
    calls.run = [&](unsigned, const Plan& plan) {
      RunRecord record = toy_.run(plan);
      if (record.verdict == Verdict::kFine) all.insert(words_);
      return record;
    };
    calls.interrupted = [] { return false; };
    calls.progress = [](const SearchTotals&) {};
    totals = search({.bound = bound, .walks = false}, calls).totals;
    return all;
  }

 private:
  std::function<void()> step(Random& random, unsigned turn) {
    uint64_t& word = words_[random.below(kWords)];
    switch (random.below(3)) {
      case 0:
        return [this, turn, &word] { registers_[turn] = word; };
      case 1:
        return [this, turn, &word] { word = registers_[turn]; };
      default: {
        const uint64_t summand = 1 + random.below(4);
        return [this, turn, summand] { registers_[turn] += summand; };
      }
    }
  }

  Toy toy_;
  std::vector<uint64_t> registers_;
  std::array<uint64_t, kWords> words_ = {};
};

TEST(PruningTest, FindsTheSameOutcomesWithinEachBound) {
  uint64_t with = 0, without = 0;
  size_t most = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    const unsigned turns = seed % 2 == 0 ? 2 : 3;
    RandomToy toy(seed, turns, turns == 2 ? 8 : 5);
    for (uint64_t bound = 0; bound <= 3; ++bound) {
      auto states = KnownStates::create();
      ASSERT_TRUE(states.ok());
      SearchTotals pruned, whole;
      const auto some = toy.outcomes(bound, &*states, pruned);
      const auto all = toy.outcomes(bound, nullptr, whole);
      EXPECT_EQ(some, all) << "seed " << seed << ", bound " << bound;
      EXPECT_EQ(whole.known, 0u);
      with += pruned.points;
      without += whole.points;
      most = std::max(most, all.size());
    }
  }
  EXPECT_GT(most, 8u);
  EXPECT_LT(3 * with, 2 * without);
}

}  // namespace
}  // namespace vmm::explore
