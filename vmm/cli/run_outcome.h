// What a finished run means for the command line.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "cli/exit_status.h"
#include "cli/guest_input.h"
#include "cli/kvm_choice.h"
#include "cli/run_settings.h"
#include "machine/run_machine.h"
#include "nlohmann/json.hpp"

namespace vmm {

struct RunOutcome {
  ExitStatus status = ExitStatus::kSuccess;
  std::string report;          // for standard error; may be empty or have several lines
  bool has_statistics = true;  // none where the host failed
  bool partial = false;
};

// `guest` is the ELF file, whose symbols a crash report uses. `settings` say what was checked.
RunOutcome describe_outcome(const RunResult& result, std::span<const std::byte> guest,
                            const RunSettings& settings = {});

nlohmann::ordered_json run_statistics(const RunSettings& settings, const GuestInput& input,
                                      const KvmPlace& place, const RunResult& result,
                                      const RunOutcome& outcome);

}  // namespace vmm
