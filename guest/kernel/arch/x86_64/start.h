// Between the files that start processors.
#pragma once

#include "abi/xen.h"

namespace kernel {

// The exception handlers, all of which mask events; returns how many.
unsigned fill_trap_table(trap_info_t* table, unsigned capacity);

}  // namespace kernel
