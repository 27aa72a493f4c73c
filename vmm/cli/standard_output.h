// Standard output as a run uses it: the guest's console, then the statistics.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace vmm {

// Called by one thread at a time. After the first failure nothing more is written and status()
// says why.
class StandardOutput {
 public:
  void write(std::string_view text);
  // Ends an open line, so that what follows starts on its own.
  void finish_line();
  bool line_open() const { return line_open_; }
  const absl::Status& status() const { return status_; }

 private:
  bool line_open_ = false;
  absl::Status status_;
};

}  // namespace vmm
