// One run of this program as a child process whose standard output is read.
//
// The child gets SIGTERM when this process ends, however it ends, and shares its standard error.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "cli/command.h"

namespace vmm {

struct ChildResult {
  int status = 0;  // exit status, or 128 + signal
  std::string output;
};

// Runs `pvmmu arguments...` to its end.
absl::StatusOr<ChildResult> run_child(const Arguments& arguments);

}  // namespace vmm
