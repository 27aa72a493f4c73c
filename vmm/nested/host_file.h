// Reading a whole file of the host.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace vmm {

absl::StatusOr<std::string> read_host_file(const std::string& path);

}  // namespace vmm
