// What the bed says on its control port (init_script.h), taken apart as it arrives.
//
// Feed it pieces cut anywhere. The records come from our own script, but over a machine that may
// break down at any byte: what is malformed is an error, never a crash or a guess.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include "absl/strings/string_view.h"

#include "absl/status/status.h"

namespace vmm {

class ControlChannel {
 public:
  explicit ControlChannel(size_t output_count) : output_count_(output_count) {}

  absl::Status feed(absl::string_view bytes);

  bool started() const { return started_; }
  std::optional<int> exit_status() const { return exit_status_; }
  // Output files by index; only those that the program made. Complete once exit_status() is there.
  const std::map<size_t, std::string>& files() const { return files_; }

 private:
  absl::Status take_line(absl::string_view line);

  size_t output_count_;
  std::string line_;             // what has arrived of the line being read
  std::string* file_ = nullptr;  // the file being read, if one is
  size_t file_bytes_left_ = 0;
  bool started_ = false;
  std::optional<int> exit_status_;
  std::map<size_t, std::string> files_;
};

}  // namespace vmm
