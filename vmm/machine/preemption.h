// When long work of a hypercall stops to let other vCPUs, timers and the end of the run in: where
// somebody waits for the domain's lock, or where the user asked for it (--preempt-at).
#pragma once

#include <atomic>
#include <cstdint>

#include "machine/domain_mutex.h"
#include "pvmmu/forced_cuts.h"

namespace vmm {

class Preemption {
 public:
  Preemption(pvmmu::ForcedCuts forced, DomainMutex& lock, const std::atomic<bool>& stopping)
      : forced_(forced), lock_(lock), stopping_(stopping) {}

  // As pvmmu::Platform::allow_steps.
  uint32_t allow_steps(bool resumed, uint64_t steps) {
    const uint32_t forced = forced_.allow(resumed, steps);
    if (forced < kStepsBetweenLooks) return forced;
    if (steps == 1) return kStepsBetweenLooks;
    return lock_.inner().contended() || stopping_.load() ? 0 : kStepsBetweenLooks;
  }
  void let_others_in() {
    lock_.unlock();
    lock_.lock();
  }

 private:
  // A step is a few dozen nanoseconds: others wait some ten microseconds at most.
  static constexpr uint32_t kStepsBetweenLooks = 256;

  pvmmu::ForcedCuts forced_;
  DomainMutex& lock_;
  const std::atomic<bool>& stopping_;
};

}  // namespace vmm
