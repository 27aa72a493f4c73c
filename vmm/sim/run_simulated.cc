#include "sim/run_simulated.h"

#include <utility>

#include "sim/sim_engine.h"

namespace vmm {

absl::StatusOr<RunResult> run_simulated(const RunOptions& options, const SimOptions& sim,
                                        std::span<const std::byte> guest_elf,
                                        std::span<const std::byte> boot_module) {
  auto engine = SimEngine::create(sim);
  if (!engine.ok()) return engine.status();
  return run_machine(options, *std::move(engine), guest_elf, boot_module);
}

}  // namespace vmm
