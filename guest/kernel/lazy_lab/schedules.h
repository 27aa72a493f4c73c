// The schedules of the laboratory, step by step. Each is the same whatever the rules; what comes of
// it is theirs.
#pragma once

#include <stdint.h>

#include "guest_abi/lazy_lab.h"

namespace kernel::lazy_lab {

void play(guest_abi::LazySchedule schedule);

// What the laboratory does in the handlers that it has provoked.
void interrupted();
bool repair(uint64_t address);

}  // namespace kernel::lazy_lab
