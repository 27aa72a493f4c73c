// Makes a schedule that fails shorter, as long as it fails in the same way.
#pragma once

#include <functional>

#include "explore/schedule.h"

namespace vmm::explore {

struct ShrinkCalls {
  std::function<RunRecord(const Plan& plan)> run;
  // Looked at before each run: whether to stop with what there is.
  std::function<bool()> gives_up;
  // Behind each run: how many there were, and how many switches are left.
  std::function<void(uint64_t runs, size_t switches)> progress;
};

struct Shrunk {
  RunRecord record;  // of the run that is left
  uint64_t runs = 0;
  // None of its switches can be taken out, nor any two, nor any two replaced by one.
  bool minimal = false;
};

// `failed`: a run that failed; no schedule with fewer switches than `at_least` does. Switches are
// taken out in large pieces first, then one by one, then by twos, and at last two are replaced by
// one anywhere. Taking some out moves the points of those behind; so these are tried where they
// were in the run, and where they were for the turns that they leave.
Shrunk shrink(const RunRecord& failed, size_t at_least, const ShrinkCalls& calls);

}  // namespace vmm::explore
