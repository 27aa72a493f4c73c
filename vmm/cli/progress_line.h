// A line on standard error that is drawn over itself: how far something long is. Gone at the end.
#pragma once

#include "absl/strings/string_view.h"

namespace vmm {

class ProgressLine {
 public:
  enum class Where { kOnTerminals, kEverywhere };
  explicit ProgressLine(Where where = Where::kOnTerminals) : where_(where) {}
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() { clear(); }

  // As much of the text as the terminal is wide.
  void show(absl::string_view text);
  // Before anything else is written.
  void clear();

 private:
  const Where where_;
  bool drawn_ = false;
};

}  // namespace vmm
