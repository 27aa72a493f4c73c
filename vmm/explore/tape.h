// Memory that the search shares with the runs: the plan of the next one goes there, and the points
// that it passes come back, also from a run that dies.
#pragma once

#include <cstdint>
#include <span>

#include "absl/status/statusor.h"
#include "explore/chooser.h"
#include "explore/schedule.h"

namespace vmm::explore {

class Tape {
 public:
  static absl::StatusOr<Tape> create(uint32_t most_points);
  Tape(Tape&& other) noexcept;
  Tape& operator=(Tape&&) = delete;
  ~Tape();

  // By the search.
  void put(const Plan& plan);
  std::vector<PassedPoint> points() const;
  // Why the run ended its process; kFine: it did not.
  Verdict verdict() const;

  // By the run.
  std::span<const Switch> switches() const;
  std::span<const TurnSwitch> turn_switches() const;
  uint64_t walk() const;
  bool detailed() const;
  int switches_left() const;
  // False: there is no room for another.
  bool record(const PassedPoint& point);
  void end(Verdict verdict);
  // Room for what the run needs itself, and is no part of its state.
  void* scratch() const;

 private:
  struct Header;
  Tape(std::byte* base, size_t size) : base_(base), size_(size) {}
  Header& header() const;
  PassedPoint* first() const;

  std::byte* base_;
  size_t size_;
};

}  // namespace vmm::explore
