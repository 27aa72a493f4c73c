// What a phase of the guest is called where people read it.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace vmm {

// `labels` are the workload's; the first is phase kFirstLabelPhase. Other phases have fixed names.
std::string phase_name(std::span<const std::string> labels, uint32_t phase);

}  // namespace vmm
