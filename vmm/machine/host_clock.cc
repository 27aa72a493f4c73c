#include "machine/host_clock.h"

#include <x86intrin.h>

#include <chrono>

namespace vmm {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kMeasured{4};

struct Moment {
  steady_clock::time_point time;
  uint64_t tsc = 0;
};

// Two clocks cannot be read at once, and the host may take the processor away in between: of
// several pairs the one with the least time around it counts.
Moment read_both() {
  constexpr unsigned kAttempts = 8;
  Moment best;
  uint64_t least = UINT64_MAX;
  for (unsigned i = 0; i < kAttempts; ++i) {
    const uint64_t before = __rdtsc();
    const auto time = steady_clock::now();
    const uint64_t around = __rdtsc() - before;
    if (around < least) {
      least = around;
      best = {time, before + around / 2};
    }
  }
  return best;
}

uint64_t measure_tsc_hz() {
  const Moment first = read_both();
  while (steady_clock::now() - first.time < kMeasured) {
  }
  const Moment last = read_both();
  const std::chrono::duration<double> elapsed = last.time - first.time;
  return static_cast<uint64_t>(static_cast<double>(last.tsc - first.tsc) / elapsed.count());
}

uint64_t wall_nanoseconds() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(since_1970).count());
}

}  // namespace

HostClock::HostClock(uint64_t tsc_offset)
    : tsc_hz_(measure_tsc_hz()),
      scale_(tsc_scale_from_hz(tsc_hz_)),
      tsc_offset_(tsc_offset),
      start_(__rdtsc()),
      wall_at_boot_(wall_nanoseconds()) {}

uint64_t HostClock::time_at(uint64_t host_tsc) const {
  return scaled_ticks(host_tsc - start_, scale_);
}

uint64_t HostClock::now() {
  return time_at(__rdtsc());
}

ClockReading HostClock::reading(VcpuId) {
  const uint64_t host_tsc = __rdtsc();
  return {time_at(host_tsc), host_tsc + tsc_offset_};
}

}  // namespace vmm
