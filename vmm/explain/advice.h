// What a guest should do instead of what was refused.
#pragma once

#include <string>

#include "explain/refusal_record.h"

namespace vmm {

// One clause in the imperative, in lower case and without an end, chosen by the rule and by what
// stands in the way. Never empty.
std::string advice(const RefusalRecord& record);

}  // namespace vmm
