// The domain's system time, from the processor's counter and what the hypervisor said of it at the
// start: later that place may hold anything.
#pragma once

#include <stdint.h>

namespace random_hostile {

void set_up_clock(const volatile void* shared_info);
uint64_t system_time();  // nanoseconds

}  // namespace random_hostile
