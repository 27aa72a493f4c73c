#include "stats/refusals.h"

namespace vmm {

using Json = nlohmann::ordered_json;

Json refusals_by_errno_json(const pvmmu::MmuCounters& counters) {
  Json refusals = Json::object();
  for (unsigned number = 0; number < pvmmu::kErrnoLimit; ++number) {
    const uint64_t count = counters.refusals_by_errno[number];
    if (count != 0) refusals[pvmmu::errno_name(static_cast<pvmmu::Errno>(number))] = count;
  }
  return refusals;
}

Json refusals_by_rule_json(const pvmmu::MmuCounters& counters) {
  Json refusals = Json::object();
  for (unsigned rule = 0; rule < pvmmu::kRuleCount; ++rule) {
    const uint64_t count = counters.refusals_by_rule[rule];
    if (count != 0) refusals[pvmmu::kRuleTags[rule]] = count;
  }
  return refusals;
}

}  // namespace vmm
