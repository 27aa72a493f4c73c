// The clock of a domain, told from the TSC.
#include "machine/host_clock.h"

#include <gtest/gtest.h>
#include <x86intrin.h>

#include <chrono>
#include <thread>

namespace vmm {
namespace {

// A guest that computes the time from a record as old as the run asks for timers by that time: it
// must never be behind the clock that decides whether they are over.
TEST(HostClock, AgreesWithWhatAGuestComputes) {
  constexpr uint64_t kOffset = 12'345;
  HostClock clock(kOffset);
  const TscScale scale = tsc_scale_from_hz(clock.tsc_hz());
  const ClockReading record = clock.reading(VcpuId{0});
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(i));
    const uint64_t before = clock.now();
    const uint64_t ticks = __rdtsc() + kOffset - record.guest_tsc;
    const uint64_t guests = record.system_time + scaled_ticks(ticks, scale);
    const uint64_t after = clock.now();
    EXPECT_GE(guests + 2, before);  // both round down
    EXPECT_LE(guests, after + 2);
  }
}

TEST(HostClock, PassesAsTheHostsTimeDoes) {
  HostClock clock(0);
  const auto host_start = std::chrono::steady_clock::now();
  const uint64_t start = clock.now();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const uint64_t passed = clock.now() - start;
  const std::chrono::duration<double, std::nano> host =
      std::chrono::steady_clock::now() - host_start;
  // However busy the machine: what comes between the readings only makes the host's longer.
  EXPECT_LE(static_cast<double>(passed), host.count() * 1.01);
  EXPECT_GE(passed, 195'000'000u);
}

}  // namespace
}  // namespace vmm
