// How system time follows from the TSC, for guests and for the VMM alike.
// [xen/public/xen.h: struct vcpu_time_info]
#pragma once

#include <cstdint>

namespace vmm {

// nanoseconds = ((ticks << shift) * multiplier) >> 32, with a negative shift meaning >>.
struct TscScale {
  uint32_t multiplier = 0;
  int8_t shift = 0;
};

// The most exact scale for a TSC of that frequency; hz must not be 0.
TscScale tsc_scale_from_hz(uint64_t hz);

// What a guest computes from ticks and scale: nanoseconds.
uint64_t scaled_ticks(uint64_t ticks, TscScale scale);

}  // namespace vmm
