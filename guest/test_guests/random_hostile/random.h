// Repeatable random numbers (splitmix64): the same seed makes the same run on one vCPU.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace random_hostile {

class Random {
 public:
  constexpr explicit Random(uint64_t seed = 0) : state_(seed) {}

  constexpr uint64_t next() {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t value = state_;
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
  }
  // 0 .. limit - 1.
  constexpr unsigned below(unsigned limit) {
    return static_cast<unsigned>((next() >> 32) * limit >> 32);
  }
  constexpr bool one_in(unsigned count) { return below(count) == 0; }
  constexpr bool percent(unsigned chance) { return below(100) < chance; }
  template <typename T, size_t kCount>
  constexpr T pick(const T (&values)[kCount]) {
    return values[below(kCount)];
  }

 private:
  uint64_t state_;
};

}  // namespace random_hostile
