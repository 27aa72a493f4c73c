// Return addresses of the callers, by frame pointers.
#pragma once

#include "guest_abi/pte_rules.h"

namespace kernel::pte_rules {

// From the caller's caller on; what is not there is 0.
void capture_backtrace(uint64_t (&addresses)[guest_abi::kPteTraceDepth]);

}  // namespace kernel::pte_rules
