// What a vCPU was doing when a run was stopped: what somebody who waited too long wants to know.
#pragma once

#include <cstdint>

namespace vmm {

struct VcpuSituation {
  enum class State {
    kRuns,
    kDown,     // never brought up, or taken down
    kWaits,    // for an event
    kOverdue,  // for an event that is there, or a time that is over: the VMM's fault
  };
  State state = State::kRuns;
  uint64_t rip = 0;
  bool kernel_mode = false;
};

}  // namespace vmm
