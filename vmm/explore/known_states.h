// The states from which some run has gone on, and how many switches could still follow then. Shared
// by all processes that are forked after it was made.
#pragma once

#include <atomic>
#include <cstdint>

#include "absl/status/statusor.h"

namespace vmm::explore {

class KnownStates {
 public:
  static absl::StatusOr<KnownStates> create();
  KnownStates(KnownStates&& other) noexcept;
  KnownStates& operator=(KnownStates&&) = delete;
  ~KnownStates();

  // Whether a run has gone on from there with as many switches left, or more; if not, this one
  // does. Where there is no room any more, nothing is known.
  bool know(uint64_t state, unsigned switches_left);

 private:
  explicit KnownStates(std::atomic<uint64_t>* slots) : slots_(slots) {}

  // The number of the state, but for its low bits, which have the switches left + 1; 0: free.
  std::atomic<uint64_t>* slots_;
};

}  // namespace vmm::explore
