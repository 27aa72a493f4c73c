// A fuzzing session: some workers, until the time is over, enough was done or found, or somebody
// interrupts.
#pragma once

#include <array>
#include <functional>

#include "fuzz/worker.h"

namespace vmm::fuzz {

// Sums over all workers.
struct SessionTotals {
  uint64_t workloads = 0, runs = 0, statements = 0, replayed = 0, shrink_runs = 0;
  double seconds = 0;
  std::array<uint64_t, kMostCovered> covered{};

  double rate() const { return seconds > 0 ? static_cast<double>(workloads) / seconds : 0; }
};

struct SessionResult {
  SessionTotals totals;
  std::vector<Failure> failures;
  bool interrupted = false;
};

struct SessionCalls {
  std::function<bool()> interrupted;
  std::function<void(const SessionTotals&)> progress;  // a few times a second
  std::function<void(const Failure&)> found;
};

// InvalidArgument: the corpus; others: the host.
absl::StatusOr<SessionResult> run_session(const SessionOptions& options, const GuestMachine& guest,
                                          const SessionCalls& calls);

}  // namespace vmm::fuzz
