// The validator's refusals as JSON: by errno name and by rule name, only those that happened.
#pragma once

#include "nlohmann/json.hpp"
#include "pvmmu/counters.h"

namespace vmm {

nlohmann::ordered_json refusals_by_errno_json(const pvmmu::MmuCounters& counters);
nlohmann::ordered_json refusals_by_rule_json(const pvmmu::MmuCounters& counters);

}  // namespace vmm
