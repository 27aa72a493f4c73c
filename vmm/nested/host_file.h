// Whole files of the host: read at once, written at once or not at all.
#pragma once

#include <string>
#include "absl/strings/string_view.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace vmm {

absl::StatusOr<std::string> read_host_file(const std::string& path);

// Whether write_host_file could make this file; asked before long work, so that it is not in vain.
absl::Status check_writable(const std::string& path);

// A regular file (or a new one) is replaced by rename; anything else (/dev/null, a pipe) is
// written.
absl::Status write_host_file(const std::string& path, absl::string_view content);

}  // namespace vmm
