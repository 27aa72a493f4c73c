// A refusal of the MMU in words.
#pragma once

#include <string>

#include "explain/refusal_record.h"

namespace vmm {

// One line for logs and errors.
std::string refusal_line(const pvmmu::Refusal& refusal);
// One paragraph, without a line break, that says what stands in the way and what it is, what was
// asked, which rule forbids it, who uses what stands in the way up to a root, and what to do.
std::string explanation(const RefusalRecord& record);

}  // namespace vmm
