// The hypervisor's time, in nanoseconds since the domain started. Only the timer reads it.
#pragma once

#include <stdint.h>

#include "percpu.h"

namespace kernel {

// As the processor (the caller's own) sees it.
uint64_t system_time(const Cpu& cpu);

}  // namespace kernel
