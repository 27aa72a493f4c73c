// Names for return addresses of the kernel that ran.
#pragma once

#include <cstddef>
#include <span>

#include "cli/run_settings.h"
#include "report/rule_report.h"

namespace vmm {

// `guest` is the ELF file of the kernel. In the sim engine the kernel's code is this program's.
CodeNames code_names(EngineKind engine, std::span<const std::byte> guest);

}  // namespace vmm
