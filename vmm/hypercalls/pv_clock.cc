#include "hypercalls/pv_clock.h"

#include <atomic>

#include "hypercalls/shared_bits.h"

namespace vmm {
namespace {

constexpr uint64_t kNanosecondsPerSecond = 1'000'000'000;

// Runs the writer with the version odd, so that readers of a half-written record try again.
template <typename Writer>
void write_versioned(uint32_t& version, Writer&& writer) {
  const uint32_t before = load_shared(version);
  store_shared(version, before | 1);
  writer();
  store_shared(version, (before | 1) + 1);
}

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

PvClock::PvClock(shared_info_t& shared_info, VcpuPlaces& places, Clock& clock)
    : shared_info_(shared_info), places_(places), clock_(clock) {}

void PvClock::update(VcpuId vcpu) {
  const TscScale scale = tsc_scale_from_hz(clock_.tsc_hz());
  const uint64_t now = clock_.now();
  const uint64_t tsc = clock_.guest_tsc(vcpu);
  places_.with_info(vcpu, [&](vcpu_info_t& info) {
    vcpu_time_info_t& time = info.time;
    write_versioned(time.version, [&] {
      store_shared(time.tsc_timestamp, tsc);
      store_shared(time.system_time, now);
      store_shared(time.tsc_to_system_mul, scale.multiplier);
      store_shared(time.tsc_shift, scale.shift);
    });
  });
}

void PvClock::update_wall_clock() {
  const uint64_t boot = clock_.wall_nanoseconds_at_boot();
  const uint64_t seconds = boot / kNanosecondsPerSecond;
  write_versioned(shared_info_.wc_version, [&] {
    store_shared(shared_info_.wc_sec, static_cast<uint32_t>(seconds));
    store_shared(shared_info_.wc_sec_hi, static_cast<uint32_t>(seconds >> 32));
    store_shared(shared_info_.wc_nsec, static_cast<uint32_t>(boot % kNanosecondsPerSecond));
  });
}

}  // namespace vmm
