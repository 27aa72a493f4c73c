// A refusal as an element of "refusal_records" in the statistics (docs/statistics.md).
#pragma once

#include "explain/refusal_record.h"
#include "nlohmann/json.hpp"

namespace vmm {

// Machine frames, linear addresses and entries: strings, since many programs read numbers of 64
// bits wrongly.
std::string json_hex(uint64_t value);

nlohmann::ordered_json refusal_json(const RefusalRecord& record, uint64_t alike);

}  // namespace vmm
