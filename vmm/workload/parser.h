// Tokens into a script. Checks the grammar alone; names and ranges are the compiler's.
#pragma once

#include "absl/strings/string_view.h"

#include "absl/status/statusor.h"
#include "workload/ast.h"

namespace vmm {

absl::StatusOr<Script> parse_script(absl::string_view text, absl::string_view name);

}  // namespace vmm
