#include "hypercalls/tsc_scale.h"

namespace vmm {
namespace {

constexpr uint64_t kNanosecondsPerSecond = 1'000'000'000;

}  // namespace

TscScale tsc_scale_from_hz(uint64_t hz) {
  // multiplier = 10^9 * 2^32 / (hz * 2^shift), with the shift that puts it into [2^31, 2^32).
  TscScale scale;
  uint64_t ticks = hz;
  while (ticks >= 2 * kNanosecondsPerSecond) {
    ticks >>= 1;
    --scale.shift;
  }
  while (ticks <= kNanosecondsPerSecond) {
    ticks <<= 1;
    ++scale.shift;
  }
  scale.multiplier = static_cast<uint32_t>((kNanosecondsPerSecond << 32) / ticks);
  return scale;
}

uint64_t scaled_ticks(uint64_t ticks, TscScale scale) {
  __extension__ using Wide = unsigned __int128;
  const uint64_t shifted = scale.shift >= 0 ? ticks << scale.shift : ticks >> -scale.shift;
  return static_cast<uint64_t>(Wide{shifted} * scale.multiplier >> 32);
}

}  // namespace vmm
