// Handing a whole address space to the hypervisor's type system, and taking it back.
//
// Pinning makes every table of the user half and both roots read-only in the direct map, children
// first, and pins the L1 tables (with split locks) and last the roots, whose validation reaches all
// between. From then on entries change only by request or by emulated stores. Unpinning is the
// converse: roots first. Nobody else may use the tables meanwhile, and when unpinning no vCPU may
// run on them.
#pragma once

#include "mm/address_space.h"

namespace kernel {

void pin_address_space(Mm& mm);
void unpin_address_space(Mm& mm);

}  // namespace kernel
