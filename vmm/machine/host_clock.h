// System time of a domain: nanoseconds since construction, told from the TSC by the very scale that
// guests get (PvClock). So a guest and the VMM agree on what time it is, however long they run and
// however exactly the TSC's frequency was measured: a guest whose clock were behind would ask for
// timers that are over already.
#pragma once

#include <cstdint>

#include "hypercalls/services.h"
#include "hypercalls/tsc_scale.h"

namespace vmm {

class HostClock final : public Clock {
 public:
  // tsc_offset: guest TSC - host TSC. Takes some milliseconds.
  explicit HostClock(uint64_t tsc_offset);
  uint64_t now() override;
  ClockReading reading(VcpuId vcpu) override;
  uint64_t tsc_hz() override { return tsc_hz_; }
  uint64_t wall_nanoseconds_at_boot() override { return wall_at_boot_; }

 private:
  uint64_t time_at(uint64_t host_tsc) const;

  const uint64_t tsc_hz_;
  const TscScale scale_;
  const uint64_t tsc_offset_;
  const uint64_t start_;  // host TSC
  const uint64_t wall_at_boot_;
};

}  // namespace vmm
