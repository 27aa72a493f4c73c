#include "explore/chooser.h"

#include <bit>

namespace vmm::explore {

Chooser::Chooser(std::span<const Switch> switches, uint64_t walk)
    : switches_(switches), walks_(walk != 0), random_(walk) {
  if (!walks_) return;
  uses_priorities_ = random_.one_in(2);
  constexpr uint64_t kRarest = 9;
  one_in_ = uint64_t{2} << random_.below(kRarest);
  for (uint64_t& priority : priorities_) priority = lowest_ + random_.below(uint64_t{1} << 32);
}

unsigned Chooser::choose(PointKind kind, unsigned running, uint32_t able) {
  const unsigned usual = usual_turn(kind, running, able);
  const uint32_t point = point_++;
  unsigned chosen = usual;
  if (next_ < switches_.size()) {
    if (switches_[next_].point == point) {
      const uint32_t to = switches_[next_++].to;
      if (to < kMostTurns && (able >> to & 1) != 0) chosen = to;
    }
  } else if (walks_ && switches_made_ < kMostSwitches && std::popcount(able) > 1) {
    chosen = uses_priorities_ ? by_priority(kind, running, able) : by_coin(usual, able);
  }
  if (chosen != usual) ++switches_made_;
  return chosen;
}

unsigned Chooser::by_priority(PointKind kind, unsigned running, uint32_t able) {
  if (gives_way(kind) || random_.one_in(one_in_)) priorities_[running] = --lowest_;
  unsigned best = kMostTurns;
  for (unsigned turn = 0; turn < kMostTurns; ++turn) {
    if ((able >> turn & 1) == 0) continue;
    if (best == kMostTurns || priorities_[turn] > priorities_[best]) best = turn;
  }
  return best;
}

unsigned Chooser::by_coin(unsigned usual, uint32_t able) {
  if (!random_.one_in(one_in_)) return usual;
  for (uint64_t skip = random_.below(static_cast<uint64_t>(std::popcount(able))); skip != 0;
       --skip) {
    able &= able - 1;
  }
  return static_cast<unsigned>(std::countr_zero(able));
}

}  // namespace vmm::explore
