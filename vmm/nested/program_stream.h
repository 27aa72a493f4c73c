// One of the inner program's outputs, as it comes from the bed: the program's bytes, and then a
// mark that the bed's script writes once the program has ended. What stands before the mark is all
// there is; without it some may still be on its way.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace vmm {

class ProgramStream {
 public:
  // The program must not be able to guess the mark.
  explicit ProgramStream(std::string mark) : mark_(std::move(mark)) {}

  // Takes the next bytes, and returns what is known to be the program's.
  std::string feed(absl::string_view bytes);
  bool whole() const { return whole_; }

 private:
  const std::string mark_;
  std::string held_;  // may be the beginning of the mark
  bool whole_ = false;
};

// Printable, and another one each time.
std::string new_stream_mark();

}  // namespace vmm
