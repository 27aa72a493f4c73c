// What the console says of a breach.
#pragma once

#include "guest_abi/pte_rules.h"

namespace kernel::pte_rules {

// `address` is that of the entry, 0 if it is about none.
void print_breach(guest_abi::PteRule rule, uint64_t address, const guest_abi::PteEventRecord& first,
                  const guest_abi::PteEventRecord& second);

}  // namespace kernel::pte_rules
