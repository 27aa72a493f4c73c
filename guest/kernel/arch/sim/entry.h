// The ways into the kernel and out of it, without the assembly.
//
// Linear addresses of code name entry points only: nothing is fetched there but the bytes of the
// three stores that the hypervisor decodes.
#pragma once

#include <stdint.h>

#include "arch/sim/machine.h"

namespace kernel::sim {

// What the running context does as one instruction that traps: leaves with the registers as they
// are, runs the kernel's handlers if the hypervisor enters them, and returns when a context goes on
// on this stack. The registers then say where that is.
void trap(Cause cause, uint64_t address = 0, uint32_t error_code = 0);

// The stores to page tables that the hypervisor emulates: rdi = place, rsi = value.
enum class Store : uint8_t { kMove, kExchange, kAnd };
// Performs it as the processor does, with the faults that it takes. Returns rsi.
uint64_t perform_store(Store store, uint64_t linear, uint64_t value);

// The first code of a vCPU, on the host stack that the simulator gives it: goes on at rip, which is
// the image's entry or that of a secondary processor.
[[noreturn]] void begin_vcpu();

// Where the kernel can reach a linear address of its own, or nullptr.
void* host_pointer(uint64_t linear);

}  // namespace kernel::sim
