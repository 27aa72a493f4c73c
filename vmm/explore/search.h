// The search: which schedules are tried, in which order, and what is made of one that fails.
//
// First the run without any switch, then all with one, then all with two, and so on up to the
// bound: each run tells which other turns could have gone on where, and each of those is a schedule
// of the next round. Rounds behind that of one switch go in an order that follows from the seed,
// and between their runs, and behind them, come walks that follow from the seed as well.
//
// A run that fails is made short (shrink.h), by one job. If the shortest one is asked for, the
// rounds of fewer switches than that has then go on, without walks.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "explore/schedule.h"

namespace vmm::explore {

struct SearchOptions {
  uint64_t bound = 2;  // on switches, of the rounds
  bool walks = true;
  uint64_t seed = 1;
  uint64_t jobs = 1;
  std::optional<uint64_t> count = {};  // of schedules
  std::optional<double> seconds = {};
  bool shrink = true;
  bool shortest = false;
};

// One round.
struct Round {
  uint64_t schedules = 0;  // as far as is known
  uint64_t tried = 0;
};

struct SearchTotals {
  std::vector<Round> rounds;  // by the number of switches
  uint64_t walks = 0;
  uint64_t known = 0;                        // of these runs, ended where another one had been
  uint64_t points = 0;                       // passed by all runs
  uint64_t longest = 0;                      // points of one run
  uint64_t shrinking = 0;                    // runs that made a schedule shorter
  std::optional<size_t> switches_left = {};  // while one is made shorter
  double seconds = 0;

  uint64_t tried() const {
    uint64_t sum = walks;
    for (const Round& round : rounds) sum += round.tried;
    return sum;
  }
  // All schedules with fewer switches have been tried.
  size_t all_below() const {
    const auto done = [](const Round& round) { return round.tried == round.schedules; };
    return static_cast<size_t>(std::ranges::find_if_not(rounds, done) - rounds.begin());
  }
};

struct FoundFailure {
  RunRecord found;
  RunRecord shortest;    // that fails, as far as was looked; in the same way, unless a round had it
  bool minimal = false;  // none of its switches can be taken out
  uint64_t after = 0;    // schedules tried until one failed, this one included
  double seconds = 0;    // until then
  bool by_chance = false;
};

struct SearchResult {
  SearchTotals totals;
  std::optional<FoundFailure> failure;
  bool interrupted = false;
  std::string cannot;  // why there are no runs; empty: there are
};

struct SearchCalls {
  // Makes a run; one at a time for each job, which are 0 .. jobs - 1 and have threads of their own.
  std::function<RunRecord(unsigned job, const Plan& plan)> run;
  std::function<bool()> interrupted;
  std::function<void(const SearchTotals& totals)> progress;  // a few times a second
};

SearchResult search(const SearchOptions& options, const SearchCalls& calls);

}  // namespace vmm::explore
