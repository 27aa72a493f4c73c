// The context of one guest request.
#pragma once

#include "pvmmu/counters.h"
#include "pvmmu/refusal.h"
#include "pvmmu/step_budget.h"
#include "pvmmu/vcpu.h"

namespace pvmmu {

// Who asks, and where to count and to explain. The refusal is filled when the request is refused,
// and left alone otherwise: the caller clears it between requests.
struct Call {
  VcpuId vcpu;
  MmuCounters& counters;
  Refusal& refusal;
  bool kernel_mode = true;  // of the vCPU: chooses the base pointer that linear addresses mean
  StepBudget steps{};       // class Mmu's: until the call may be preempted
};

}  // namespace pvmmu
