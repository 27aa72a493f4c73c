// A small random sequence that follows from its seed alone.
#pragma once

#include <cstdint>

namespace vmm {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    state_ += 0x9e3779b97f4a7c15;  // splitmix64
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // Below `limit`, which is not 0.
  uint64_t below(uint64_t limit) { return next() % limit; }
  bool one_in(uint64_t count) { return below(count) == 0; }
  // What another sequence goes on from.
  uint64_t state() const { return state_; }

 private:
  uint64_t state_;
};

}  // namespace vmm
