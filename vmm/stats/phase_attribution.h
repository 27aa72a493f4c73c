// Splits the counters of one vCPU over what the guest said it was doing: (phase, operation).
//
// The vCPU loop calls enter() at the start of each trap, with the phase and operation that the
// guest's accounting page holds then, and leave() at its end. Both come from the guest: out of
// range counts as 0. Nothing is lost in between: all that is counted after a call belongs to what
// was entered, until something else is. The sum over the buckets is the vCPU's total as of leave().
// Used by one thread.
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

  // What is counted from now on belongs to this phase and operation.
  void enter(const Counters& now, uint32_t phase, uint32_t operation) {
    if (phase == phase_ && operation == operation_) return;
    leave(now);
    phase_ = phase;
    operation_ = operation;
  }
  // Gives what was counted so far to what was entered last.
  void leave(const Counters& now) { attribute(now, phase_, operation_); }
  // Gives what was counted since the previous call to this phase and operation.
  void attribute(const Counters& now, uint32_t phase, uint32_t operation);
  // One multicall of the current trap.
  void record_multicall(uint64_t entry_count, uint32_t phase, uint32_t operation);

  // For this process: how long things took is not measured, so that runs which do the same have the
  // same in memory.
  static void leave_times_out() { measures_ = false; }

  // Null where nothing was ever counted.
  const Bucket* find(uint32_t phase, uint32_t operation) const;
  Bucket phase_total(uint32_t phase) const;
  Bucket operation_total(uint32_t operation) const;

 private:
  Bucket& bucket(uint32_t phase, uint32_t operation);

  static inline bool measures_ = true;
  uint32_t phase_ = guest_abi::kPhaseBoot;
  uint32_t operation_ = static_cast<uint32_t>(guest_abi::Operation::kNone);
  Counters last_{};
  std::chrono::steady_clock::time_point last_time_ = std::chrono::steady_clock::now();
  std::array<std::array<std::unique_ptr<Bucket>, guest_abi::kOperationCount>, guest_abi::kMaxPhases>
      buckets_;
};

}  // namespace vmm
