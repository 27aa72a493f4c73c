// System time of a domain: the host's monotonic clock from the moment of construction, and the
// guest TSC that goes with it.
#pragma once

#include <chrono>

#include "hypercalls/services.h"

namespace vmm {

class HostClock final : public Clock {
 public:
  // tsc_hz: of the guest's TSC; tsc_offset: guest TSC - host TSC.
  HostClock(uint64_t tsc_hz, uint64_t tsc_offset);
  uint64_t now() override;
  uint64_t guest_tsc(VcpuId vcpu) override;
  uint64_t tsc_hz() override { return tsc_hz_; }
  uint64_t wall_nanoseconds_at_boot() override { return wall_at_boot_; }

 private:
  std::chrono::steady_clock::time_point start_;
  uint64_t wall_at_boot_;
  uint64_t tsc_hz_;
  uint64_t tsc_offset_;
};

}  // namespace vmm
