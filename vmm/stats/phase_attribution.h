// Splits the counters of one vCPU over what the guest said it was doing: (phase, operation).
//
// The vCPU loop calls attribute() once per trap, with the phase and operation that the guest's
// accounting page held when it trapped. Both come from the guest: out of range counts as 0. Nothing
// is lost between two calls: each one hands out all that was counted since the last. The sum over
// the buckets is therefore the vCPU's total as of the last call. Used by one thread.
#pragma once

#include <stdint.h>

#include <array>
#include <chrono>
#include <memory>

#include "guest_abi/accounting.h"
#include "stats/counters.h"
#include "stats/multicall_sizes.h"

namespace vmm {

class PhaseAttribution {
 public:
  struct Bucket {
    Counters counters{};
    MulticallSizes multicall_sizes;
    std::chrono::nanoseconds time{0};

    Bucket& operator+=(const Bucket& more);
  };

  // Gives what was counted since the previous call to this phase and operation.
  void attribute(const Counters& now, uint32_t phase, uint32_t operation);
  // One multicall of the current trap.
  void record_multicall(uint64_t entry_count, uint32_t phase, uint32_t operation);

  // Null where nothing was ever counted.
  const Bucket* find(uint32_t phase, uint32_t operation) const;
  Bucket phase_total(uint32_t phase) const;
  Bucket operation_total(uint32_t operation) const;

 private:
  Bucket& bucket(uint32_t phase, uint32_t operation);

  Counters last_{};
  std::chrono::steady_clock::time_point last_time_ = std::chrono::steady_clock::now();
  std::array<std::array<std::unique_ptr<Bucket>, guest_abi::kOperationCount>, guest_abi::kMaxPhases>
      buckets_;
};

}  // namespace vmm
