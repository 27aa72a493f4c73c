// Chooses at each point what a plan says, or chance.
#pragma once

#include <cstdint>
#include <span>

#include "explore/schedule.h"
#include "sim/random.h"

namespace vmm::explore {

class Chooser {
 public:
  // Both kinds of switches outlive it.
  Chooser(std::span<const Switch> switches, std::span<const TurnSwitch> turn_switches,
          uint64_t walk);

  // At the next point.
  unsigned choose(PointKind kind, unsigned running, uint32_t able);
  // All switches of the plan are behind: whatever happens now is up to the run.
  bool plan_is_over() const { return next_ == switches_.size(); }

 private:
  // Two kinds of chance. With priorities the able turn with the highest goes on, and at a few
  // points the one that is there falls behind all others: bugs that need few switches are found
  // with a probability that does not depend on their place [Burckhardt et al., ASPLOS 2010].
  // Otherwise a coin is thrown at each point.
  unsigned planned(PointKind kind, unsigned running, uint32_t able, unsigned usual);
  unsigned by_priority(PointKind kind, unsigned running, uint32_t able);
  unsigned by_coin(unsigned usual, uint32_t able);

  const std::span<const Switch> switches_;
  const std::span<const TurnSwitch> turn_switches_;
  TurnSteps steps_;
  size_t next_ = 0;
  uint32_t point_ = 0;
  const bool walks_;
  Random random_;
  bool uses_priorities_ = false;
  uint64_t one_in_ = 1;
  uint64_t priorities_[kMostTurns] = {};
  uint64_t lowest_ = uint64_t{1} << 32;
  uint32_t switches_made_ = 0;
};

// More switches no run of chance makes.
inline constexpr uint32_t kMostSwitches = 512;

}  // namespace vmm::explore
