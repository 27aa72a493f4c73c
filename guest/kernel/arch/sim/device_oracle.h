// The simulator's check of what the accelerator does, against the kernel's own tables: what holds
// whenever no change of the address space is under way (docs/notifiers.md).
#pragma once

#include <stdint.h>

#include "base/frame.h"

namespace kernel::sim {

// What is wrong with the device having this frame for a page of a context; nullptr: nothing that
// can be seen now.
const char* objection_to_device(uint64_t context, uint64_t address, pvmmu::Mfn frame, bool write);

}  // namespace kernel::sim
