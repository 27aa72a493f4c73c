#include "explore/chooser.h"

#include <bit>

namespace vmm::explore {

Chooser::Chooser(std::span<const Switch> switches, std::span<const TurnSwitch> turn_switches,
                 uint64_t walk)
    : switches_(switches), turn_switches_(turn_switches), walks_(walk != 0), random_(walk) {
  if (!walks_) return;
  uses_priorities_ = random_.one_in(2);
  constexpr uint64_t kRarest = 9;
  one_in_ = uint64_t{2} << random_.below(kRarest);
  for (uint64_t& priority : priorities_) priority = lowest_ + random_.below(uint64_t{1} << 32);
}

unsigned Chooser::choose(PointKind kind, unsigned running, uint32_t able) {
  const unsigned usual = usual_turn(kind, running, able);
  const bool by_plan = next_ < switches_.size() || !turn_switches_.empty();
  unsigned chosen = planned(kind, running, able, usual);
  if (!by_plan && walks_ && switches_made_ < kMostSwitches && std::popcount(able) > 1) {
    chosen = uses_priorities_ ? by_priority(kind, running, able) : by_coin(usual, able);
  }
  if (chosen != usual) ++switches_made_;
  return chosen;
}

unsigned Chooser::planned(PointKind kind, unsigned running, uint32_t able, unsigned usual) {
  const auto if_able = [able, usual](uint32_t to) {
    return to < kMostTurns && (able >> to & 1) != 0 ? to : usual;
  };
  const uint32_t point = point_++;
  if (next_ < switches_.size() && switches_[next_].point == point) {
    return if_able(switches_[next_++].to);
  }
  if (turn_switches_.empty()) return usual;
  TurnSwitch here = steps_.pass(kind, running, usual);
  for (const TurnSwitch& one : turn_switches_) {
    here.to = one.to;
    if (one == here) return if_able(one.to);
  }
  return usual;
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
