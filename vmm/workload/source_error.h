// An error in a script: where and why, in one line.
#pragma once

#include "absl/strings/string_view.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace vmm {

inline absl::Status source_error(absl::string_view name, int line, absl::string_view reason) {
  return absl::InvalidArgumentError(absl::StrCat(name, ":", line, ": ", reason));
}

}  // namespace vmm
