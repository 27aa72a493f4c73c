// Reads a file that the user named.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace vmm {

// The whole of a regular file of at most 256 MiB. InvalidArgument, with the file's name, for
// anything else.
absl::StatusOr<std::vector<std::byte>> read_input_file(const std::string& path);

}  // namespace vmm
