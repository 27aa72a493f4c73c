// A schedule: where a run departs from what it would do by itself, and what came of a run.
//
// A run passes points (sim/schedule_policy.h), numbered from 0. By itself the turn that is at a
// point goes on, unless it has to wait: then the next one in the order of their numbers does. A
// schedule names the points at which another one goes on instead; so it says everything about a
// run.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "sim/schedule_policy.h"

namespace vmm::explore {

inline constexpr unsigned kMostTurns = 8;
inline constexpr unsigned kCallers = 8;

struct Switch {
  uint32_t point = 0;
  uint32_t to = 0;  // the turn that goes on
  auto operator<=>(const Switch&) const = default;
};
using Schedule = std::vector<Switch>;  // by ascending point

// A switch told by the turn that is left: it has passed so many points of its own, and waited so
// many times behind the last of them. Unlike the number of a point that stays what it is if others
// do more or less before.
struct TurnSwitch {
  uint32_t from = 0;
  uint32_t steps = 0, waits = 0;
  uint32_t to = 0;
  bool operator==(const TurnSwitch&) const = default;
};
using TurnSchedule = std::vector<TurnSwitch>;

// What happened at a point.
struct PassedPoint {
  PointKind kind = PointKind::enter;
  uint8_t running = 0;  // who was there
  uint8_t usual = 0;    // who would go on by itself
  uint8_t chosen = 0;   // who did
  uint8_t able = 0;     // bit i: turn i could
  // Of runs that are told in detail.
  uint64_t about = 0;
  uint64_t callers[kCallers] = {};
};

// How far each turn is.
class TurnSteps {
 public:
  // Turn `running` is at a point; the switch to `to` there.
  TurnSwitch pass(PointKind kind, unsigned running, unsigned to) {
    const TurnSwitch here{running, steps_[running], waits_[running], to};
    if (gives_way(kind)) {
      ++waits_[running];
    } else {
      ++steps_[running];
      waits_[running] = 0;
    }
    return here;
  }

 private:
  uint32_t steps_[kMostTurns] = {}, waits_[kMostTurns] = {};
};

// Who goes on by itself.
constexpr unsigned usual_turn(PointKind kind, unsigned running, uint32_t able) {
  if (!gives_way(kind) && (able >> running & 1) != 0) return running;
  for (unsigned i = 1; i <= kMostTurns; ++i) {
    const unsigned turn = (running + i) % kMostTurns;
    if ((able >> turn & 1) != 0) return turn;
  }
  return running;
}

enum class Verdict : uint8_t {
  kFine,
  kFailed,     // the run itself says so: `what`
  kDied,       // its process did
  kDeadlock,   // nobody can go on
  kEndless,    // it passed more points than it may, or took too long
  kKnown,      // it came to a state from which another run went on; nothing more was done
  kCannot,     // there was no run: `what`
  kUnwritten,  // its trace could not be written: `what`
};
constexpr bool is_failure(Verdict verdict) {
  return verdict == Verdict::kFailed || verdict == Verdict::kDied ||
         verdict == Verdict::kDeadlock || verdict == Verdict::kEndless;
}

// What a run is to do.
struct Plan {
  Schedule switches;
  TurnSchedule turn_switches;  // as well
  uint64_t walk = 0;           // not 0: behind the last switch chance chooses, by this seed
  bool detailed = false;
  // How many switches may still follow; a state that was reached with as many left is known.
  // Negative: states are not looked at.
  int switches_left = -1;
};

struct RunRecord {
  Verdict verdict = Verdict::kCannot;
  std::string what;
  std::string sort = {};  // of the failure: the same for those that differ in numbers alone
  std::vector<PassedPoint> points = {};

  // The switches that it really made.
  Schedule schedule() const {
    Schedule made;
    for (uint32_t i = 0; i < points.size(); ++i) {
      if (points[i].chosen != points[i].usual) made.push_back({i, points[i].chosen});
    }
    return made;
  }
  // The same, one for one.
  TurnSchedule turn_schedule() const {
    TurnSchedule made;
    TurnSteps steps;
    for (const PassedPoint& point : points) {
      const TurnSwitch here = steps.pass(point.kind, point.running, point.chosen);
      if (point.chosen != point.usual) made.push_back(here);
    }
    return made;
  }
  bool fails_like(const RunRecord& other) const {
    return is_failure(verdict) && verdict == other.verdict && sort == other.sort;
  }
};

const char* point_name(PointKind kind);  // "compare_exchange"
const char* point_text(PointKind kind);  // "the hypervisor changes an entry"

}  // namespace vmm::explore
