// The contexts of all address spaces that the device works on.
#pragma once

#include <stdint.h>

#include "accelerator/context.h"
#include "mm/mm.h"

namespace kernel {

// The context of an address space, made if it has none: 0 and its number, or a negative errno.
int64_t context_of(Mm& mm, uint32_t& context);
// The context with this number, with a reference of its address space for the caller; nullptr if
// there is none, or its address space is going.
AcceleratorContext* context_get(uint64_t context);

uint64_t contexts_in_use();
// To look at: the address space of a context, or nullptr. Takes no lock.
const Mm* context_mm(uint64_t context);

// By the driver: the device has forgotten all commands of the context.
void accelerator_context_closed(uint32_t context);

}  // namespace kernel
