#include "hypercalls/pv_clock.h"

#include <atomic>

#include "hypercalls/shared_bits.h"
#include "hypercalls/tsc_scale.h"

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

PvClock::PvClock(shared_info_t& shared_info, VcpuPlaces& places, Clock& clock)
    : shared_info_(shared_info), places_(places), clock_(clock) {}

void PvClock::update(VcpuId vcpu) {
  const TscScale scale = tsc_scale_from_hz(clock_.tsc_hz());
  const ClockReading moment = clock_.reading(vcpu);
  places_.with_info(vcpu, [&](vcpu_info_t& info) {
    vcpu_time_info_t& time = info.time;
    write_versioned(time.version, [&] {
      store_shared(time.tsc_timestamp, moment.guest_tsc);
      store_shared(time.system_time, moment.system_time);
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
