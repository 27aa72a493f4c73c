// A parsed script into a program: names, ranges and labels are checked, and code is made.
#pragma once

#include <cstddef>
#include <vector>
#include "absl/strings/string_view.h"

#include "absl/status/statusor.h"
#include "workload/ast.h"

namespace vmm {

absl::StatusOr<std::vector<std::byte>> compile_script(const Script& script, absl::string_view name);

}  // namespace vmm
