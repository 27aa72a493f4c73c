// What the guest kernel's rule checker found (guest_abi/pte_rules.h), for people and as JSON.
//
// All of it is the guest's word: numbers out of range are printed as such and lead nowhere.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "guest_abi/pte_rules.h"
#include "nlohmann/json.hpp"

namespace vmm {

// "name+0x12" of a return address, or empty.
using CodeNames = std::function<std::string(uint64_t address)>;

// The value of "pte_rules" (docs/statistics.md); null if nothing was checked.
nlohmann::ordered_json rule_report_json(const guest_abi::PteRuleReport& report,
                                        const CodeNames& names);

// The first breach with its two events and their callers, several lines; empty without a breach.
std::string rule_report_text(const guest_abi::PteRuleReport& report, const CodeNames& names);

}  // namespace vmm
