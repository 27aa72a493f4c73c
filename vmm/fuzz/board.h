// What the processes of a session tell each other without words.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "absl/status/statusor.h"
#include "fuzz/coverage.h"

namespace vmm::fuzz {

inline constexpr unsigned kMostJobs = 64;

// Of one worker, which alone writes it.
struct Tally {
  std::atomic<uint64_t> workloads, runs, statements, replayed, shrink_runs;
  std::array<uint64_t, kMostCovered> covered;
};

struct Board {
  std::atomic<bool> stop;  // nobody begins another workload
  std::array<Tally, kMostJobs> tallies;
};
static_assert(std::atomic<uint64_t>::is_always_lock_free);

// All zero, in memory shared with all processes that are forked from now on. Never given back.
absl::StatusOr<Board*> create_board();

}  // namespace vmm::fuzz
