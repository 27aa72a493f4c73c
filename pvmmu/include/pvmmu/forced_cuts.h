// Cuts of long work at chosen steps, for fault injection: a Platform answers allow_steps with it.
#pragma once

#include <stdint.h>

#include "pvmmu/platform.h"

namespace pvmmu {

class ForcedCuts {
 public:
  static ForcedCuts never() { return ForcedCuts(Kind::kNever, 0); }
  // After each step.
  static ForcedCuts every() { return ForcedCuts(Kind::kEvery, 0); }
  // Each call once, after its k-th step (1 is the first).
  static ForcedCuts at(uint32_t k) { return ForcedCuts(Kind::kAt, k); }
  // After 1 to 16 steps, as the seed has it.
  static ForcedCuts random(uint64_t seed) { return ForcedCuts(Kind::kRandom, seed); }

  bool forces() const { return kind_ != Kind::kNever; }

  // As Platform::allow_steps.
  uint32_t allow(bool resumed, uint64_t steps) {
    switch (kind_) {
      case Kind::kNever:
        break;
      case Kind::kEvery:
        return 0;
      case Kind::kAt:
        if (resumed) break;
        return steps < value_ ? static_cast<uint32_t>(value_ - steps) : 0;
      case Kind::kRandom:
        return steps == 1 ? static_cast<uint32_t>(next_random() % 16) : 0;
    }
    return Platform::kManySteps;
  }

 private:
  enum class Kind : uint8_t { kNever, kEvery, kAt, kRandom };
  ForcedCuts(Kind kind, uint64_t value) : kind_(kind), value_(value) {}

  // SplitMix64: the state counts up, the answer is its hash.
  uint64_t next_random() {
    uint64_t hash = value_ += 0x9e3779b97f4a7c15;
    hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9;
    hash = (hash ^ hash >> 27) * 0x94d049bb133111eb;
    return hash ^ hash >> 31;
  }

  Kind kind_;
  uint64_t value_;  // k, or the state of the random numbers
};

}  // namespace pvmmu
