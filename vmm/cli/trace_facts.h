// What a trace says of its run as a whole.
#pragma once

#include <string>

#include "cli/guest_input.h"
#include "cli/kvm_choice.h"
#include "cli/run_settings.h"
#include "nlohmann/json.hpp"

namespace vmm {

// "otherData" of the trace (docs/trace.md).
nlohmann::ordered_json trace_facts(const RunSettings& settings, const GuestInput& input,
                                   const KvmPlace& place);
// What a viewer calls the run: "pvmmu fork-exit batched sim".
std::string trace_name(const RunSettings& settings, const GuestInput& input, const KvmPlace& place);

}  // namespace vmm
