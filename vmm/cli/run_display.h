// What a run shows while it goes on: the guest's console on standard output, and on standard error
// explanations and a line of progress, which is drawn over itself and gone at the end.
//
// The line never stands where something else is written: whatever is shown through here takes it
// away first, and it is not drawn behind a console line that has not ended. Any thread may call.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "cli/progress_line.h"
#include "cli/standard_output.h"
#include "machine/run_options.h"

namespace vmm {

class RunDisplay {
 public:
  explicit RunDisplay(std::vector<std::string> phase_labels)
      : phase_labels_(std::move(phase_labels)) {}

  void show_console(std::string_view text);
  void show_explanation(std::string_view text);
  void show_progress(const RunProgress& progress);
  // The run has ended: takes the line away.
  void finish();
  // Whether standard output cannot be written.
  bool failed();
  // For what follows the run.
  StandardOutput& output() { return output_; }

 private:
  const std::vector<std::string> phase_labels_;
  std::mutex mutex_;
  StandardOutput output_;
  ProgressLine line_{ProgressLine::Where::kEverywhere};  // who asks for it has looked
  RunProgress last_;
};

}  // namespace vmm
