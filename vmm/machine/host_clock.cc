#include "machine/host_clock.h"

#include <x86intrin.h>

namespace vmm {
namespace {

uint64_t nanoseconds(auto duration) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count());
}

}  // namespace

HostClock::HostClock(uint64_t tsc_hz, uint64_t tsc_offset)
    : start_(std::chrono::steady_clock::now()),
      wall_at_boot_(nanoseconds(std::chrono::system_clock::now().time_since_epoch())),
      tsc_hz_(tsc_hz),
      tsc_offset_(tsc_offset) {}

uint64_t HostClock::now() {
  return nanoseconds(std::chrono::steady_clock::now() - start_);
}

uint64_t HostClock::guest_tsc(VcpuId) {
  return __rdtsc() + tsc_offset_;
}

}  // namespace vmm
