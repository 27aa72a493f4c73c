// The files that the running program consists of: itself, its dynamic loader, and every shared
// library that is loaded now. Whoever has these, a kernel and nothing else can start it.
//
// It does not see libraries that would be loaded later (dlopen, name services).
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace vmm {

struct ProgramImage {
  std::string program;                 // content of the program's own file
  std::vector<std::string> libraries;  // absolute paths, the loader's among them; empty if static
  std::string search_path;             // their directories, as LD_LIBRARY_PATH wants them
};

absl::StatusOr<ProgramImage> read_running_program();

}  // namespace vmm
