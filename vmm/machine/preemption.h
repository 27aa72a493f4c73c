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
    const uint32_t unasked = engine_.steps_between_looks(steps);
    if (forced < unasked) return forced;
    if (steps == 1 && unasked > 1) return unasked;
    return engine_.others_wait(lock_) || stopping_.load() ? 0 : unasked;
  }
  void let_others_in(unsigned vcpu) { engine_.let_others_in(vcpu, lock_); }

 private:
  pvmmu::ForcedCuts forced_;
  DomainMutex& lock_;
  Engine& engine_;
  const std::atomic<bool>& stopping_;
};

}  // namespace vmm
