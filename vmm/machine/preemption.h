// When long work of a hypercall stops to let other vCPUs, timers and the end of the run in: where
// somebody waits for the domain's lock, or where the user asked for it (--preempt-at).
#pragma once

#include <atomic>
#include <cstdint>

#include "machine/engine.h"
#include "pvmmu/forced_cuts.h"

namespace vmm {

class Preemption {
 public:
  Preemption(pvmmu::ForcedCuts forced, DomainMutex& lock, Engine& engine,
             const std::atomic<bool>& stopping)
      : forced_(forced), lock_(lock), engine_(engine), stopping_(stopping) {}

  // As pvmmu::Platform::allow_steps.
  uint32_t allow_steps(bool resumed, uint64_t steps) {
    const uint32_t forced = forced_.allow(resumed, steps);
    if (forced < kStepsBetweenLooks) return forced;
    if (steps == 1) return kStepsBetweenLooks;
    return engine_.others_wait(lock_) || stopping_.load() ? 0 : kStepsBetweenLooks;
  }
  void let_others_in(unsigned vcpu) { engine_.let_others_in(vcpu, lock_); }

 private:
  // A step is a few dozen nanoseconds: others wait some ten microseconds at most.
  static constexpr uint32_t kStepsBetweenLooks = 256;

  pvmmu::ForcedCuts forced_;
  DomainMutex& lock_;
  Engine& engine_;
  const std::atomic<bool>& stopping_;
};

}  // namespace vmm
