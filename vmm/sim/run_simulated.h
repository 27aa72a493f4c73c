// One run of the built-in guest on the simulator.
#pragma once

#include <cstddef>
#include <span>

#include "absl/status/statusor.h"
#include "machine/run_machine.h"
#include "sim/sim_options.h"

namespace vmm {

// As run_machine(). Once in a process. `guest_elf` is the image that the simulated kernel's sources
// make: what it would occupy is laid out from it.
absl::StatusOr<RunResult> run_simulated(const RunOptions& options, const SimOptions& sim,
                                        std::span<const std::byte> guest_elf,
                                        std::span<const std::byte> boot_module);

}  // namespace vmm
