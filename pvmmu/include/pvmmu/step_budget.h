// When long work stops to let other work in.
//
// Work is counted in steps: a request of an array, an entry validated, stored, or given back. A
// call stops only after a step, so that every piece of it makes progress, and where nothing is
// half done: what it has reached stands in PageInfo and in the vCPU's continuation.
#pragma once

#include <stdint.h>

#include "base/errno.h"
#include "pvmmu/platform.h"

namespace pvmmu {

// Inside the MMU: the work stopped early, and is to be continued. No guest ever sees it, which is
// why the public header keeps the number to itself. [xen/errno.h: ERESTART]
inline constexpr Errno kRestart = static_cast<Errno>(85);

class StepBudget {
 public:
  // The default: work that may not be preempted.
  StepBudget() = default;

  // A piece of a call that may be preempted begins; `resumed`: not the first.
  void start_piece(bool resumed) {
    resumed_ = resumed;
    done_ = 0;
    grant(1);
  }

  // One step was made. True: stop here.
  bool spent(Platform& platform) {
    if (--left_ != 0) [[likely]]
      return false;
    return ask(platform);
  }

 private:
  void grant(uint32_t steps) {
    left_ = steps;
    done_ += steps;
  }
  bool ask(Platform& platform) {
    grant(platform.allow_steps(resumed_, done_));
    return left_ == 0;
  }

  // Work that may not be preempted counts down from 0, and has 2^64 steps left.
  uint64_t left_ = 0;
  uint64_t done_ = 0;  // in this piece, when left_ reaches 0
  bool resumed_ = false;
};

}  // namespace pvmmu
