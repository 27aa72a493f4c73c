#include "explore/shrink.h"

#include <algorithm>
#include <utility>

namespace vmm::explore {
namespace {

// What is taken out: `count` switches from one on, and one more.
struct Piece {
  size_t first = 0, count = 1;
  size_t also = ~size_t{0};
};

template <typename Switches>
Switches without(const Switches& switches, const Piece& piece) {
  Switches left;
  for (size_t i = 0; i < switches.size(); ++i) {
    const bool out = (i >= piece.first && i - piece.first < piece.count) || i == piece.also;
    if (!out) left.push_back(switches[i]);
  }
  return left;
}

class Shrinker {
 public:
  Shrinker(const RunRecord& failed, size_t at_least, const ShrinkCalls& calls)
      : at_least_(at_least), calls_(calls) {
    keep(failed);
  }

  Shrunk run() {
    do {
      take_out_pieces();
    } while (take_out_two() || replace_two());
    return {std::move(best_), runs_, !gave_up_};
  }

 private:
  size_t size() const { return switches_.size(); }

  // As long as anything goes, large ones first.
  void take_out_pieces() {
    for (size_t count = std::max<size_t>(size() / 2, 1); count != 0;) {
      bool any = false;
      for (size_t first = 0; first + count <= size();) {
        if (take_out({first, count})) {
          any = true;
        } else {
          first += count;
        }
      }
      if (!any) count /= 2;
      count = std::min(count, size());
    }
  }

  bool take_out_two() {
    for (size_t first = 0; first < size(); ++first) {
      for (size_t also = first + 1; also < size(); ++also) {
        if (take_out({first, 1, also})) return true;
      }
    }
    return false;
  }

  // By one, wherever in the run that is left another turn could go on.
  bool replace_two() {
    for (size_t first = 0; first < size(); ++first) {
      for (size_t also = first + 1; also < size(); ++also) {
        Plan plan;
        plan.turn_switches = without(turn_switches_, {first, 1, also});
        const RunRecord base = try_run(plan);
        plan.turn_switches.emplace_back();
        for (const TurnSwitch& opening : openings(base)) {
          plan.turn_switches.back() = opening;
          if (fails(plan)) return true;
        }
      }
    }
    return false;
  }

  static TurnSchedule openings(const RunRecord& record) {
    TurnSchedule openings;
    TurnSteps steps;
    for (const PassedPoint& point : record.points) {
      TurnSwitch here = steps.pass(point.kind, point.running, point.chosen);
      if (point.chosen != point.usual) continue;
      for (here.to = 0; here.to < kMostTurns; ++here.to) {
        if (here.to != point.usual && (point.able >> here.to & 1) != 0) openings.push_back(here);
      }
    }
    return openings;
  }

  bool take_out(const Piece& piece) {
    Plan by_points, by_turns;
    by_points.switches = without(switches_, piece);
    by_turns.turn_switches = without(turn_switches_, piece);
    return fails(by_points) || (!by_turns.turn_switches.empty() && fails(by_turns));
  }

  // With fewer switches, in the same way.
  bool fails(const Plan& plan) {
    RunRecord record = try_run(plan);
    if (!record.fails_like(best_) || record.schedule().size() >= size()) return false;
    keep(std::move(record));
    return true;
  }

  // Nothing: when it is over.
  RunRecord try_run(const Plan& plan) {
    gave_up_ = gave_up_ || calls_.gives_up();
    if (gave_up_ || size() <= at_least_) return {};
    RunRecord record = calls_.run(plan);
    calls_.progress(++runs_, size());
    return record;
  }

  void keep(RunRecord record) {
    best_ = std::move(record);
    switches_ = best_.schedule();
    turn_switches_ = best_.turn_schedule();
  }

  const size_t at_least_;
  const ShrinkCalls& calls_;
  RunRecord best_;
  Schedule switches_;
  TurnSchedule turn_switches_;
  uint64_t runs_ = 0;
  bool gave_up_ = false;
};

}  // namespace

Shrunk shrink(const RunRecord& failed, size_t at_least, const ShrinkCalls& calls) {
  return Shrinker(failed, at_least, calls).run();
}

}  // namespace vmm::explore
