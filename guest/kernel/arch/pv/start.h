// Between the files that start processors, and what they leave to the architecture.
#pragma once

#include "abi/xen.h"

namespace kernel {

// The exception handlers, all of which mask events; returns how many.
unsigned fill_trap_table(trap_info_t* table, unsigned capacity);
// Maps the hypervisor's shared_info at the linear address of a page of the image, whose frame gives
// its place to it.
void map_shared_info_at(uint64_t linear, uint64_t maddr);

// The arch's: does that for a page of its choice. From then on shared_info() works.
void map_shared_info(uint64_t maddr);

}  // namespace kernel
