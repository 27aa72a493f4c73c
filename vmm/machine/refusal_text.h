// A refusal of the MMU as one line for logs and errors.
#pragma once

#include <string>

#include "pvmmu/refusal.h"

namespace vmm {

std::string refusal_text(const pvmmu::Refusal& refusal);

}  // namespace vmm
