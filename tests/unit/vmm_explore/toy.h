// Two turns of a few steps, which follow a plan as the simulator does: something to search where
// everything is known.
#pragma once

#include <functional>
#include <vector>

#include "absl/hash/hash.h"
#include "explore/chooser.h"
#include "explore/known_states.h"
#include "explore/schedule.h"

namespace vmm::explore {

// Step i of turn t is steps[t][i]. `check` says at the end what is wrong; empty: nothing.
struct Toy {
  std::vector<std::vector<std::function<void()>>> steps;
  std::function<void()> start = [] {};
  std::function<std::string()> check = [] { return std::string(); };
  // What its steps remember, where states are looked at as a run of the simulator does.
  std::function<uint64_t()> state = [] { return uint64_t{0}; };
  KnownStates* states = nullptr;  // null: they are not

  RunRecord run(const Plan& plan) const {
    start();
    Chooser chooser(plan.switches, plan.turn_switches, plan.walk);
    RunRecord record;
    std::vector<size_t> done(steps.size());
    unsigned running = 0;
    for (;;) {
      uint32_t able = 0;
      for (unsigned turn = 0; turn < steps.size(); ++turn) {
        if (done[turn] < steps[turn].size()) able |= 1u << turn;
      }
      if (able == 0) break;
      const PointKind kind = (able >> running & 1) != 0 ? PointKind::store : PointKind::end;
      PassedPoint passed;
      passed.kind = kind;
      passed.running = static_cast<uint8_t>(running);
      passed.able = static_cast<uint8_t>(able);
      passed.usual = static_cast<uint8_t>(usual_turn(kind, running, able));
      const unsigned left = running;
      running = chooser.choose(kind, running, able);
      const bool looks = states != nullptr && plan.switches_left >= 0 && chooser.plan_is_over();
      if (looks && running != left &&
          states->know(absl::HashOf(state(), done, left, running),
                       static_cast<unsigned>(plan.switches_left))) {
        record.verdict = Verdict::kKnown;
        return record;
      }
      passed.chosen = static_cast<uint8_t>(running);
      record.points.push_back(passed);
      steps[running][done[running]++]();
    }
    record.what = check();
    record.verdict = record.what.empty() ? Verdict::kFine : Verdict::kFailed;
    return record;
  }
};

// So many steps that do nothing.
inline Toy idle_toy(unsigned turns, unsigned steps) {
  return {.steps = std::vector(turns, std::vector<std::function<void()>>(steps, [] {}))};
}

// Each turn adds one to a number, by a load and a store, between steps that do nothing.
class LostUpdate {
 public:
  LostUpdate() {
    for (unsigned turn = 0; turn < 2; ++turn) {
      toy.steps.push_back({[] {}, [] {}, [this, turn] { seen_[turn] = number_; },
                           [this, turn] { number_ = seen_[turn] + 1; }, [] {}});
    }
    toy.start = [this] { number_ = 0; };
    toy.check = [this] { return std::string(number_ == 2 ? "" : "an update is lost"); };
  }
  LostUpdate(const LostUpdate&) = delete;
  LostUpdate& operator=(const LostUpdate&) = delete;

  Toy toy;

 private:
  int number_ = 0;
  int seen_[2] = {};
};

}  // namespace vmm::explore
