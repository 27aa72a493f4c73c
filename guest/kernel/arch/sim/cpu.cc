#include "arch/cpu.h"

#include "arch/sim/entry.h"
#include "percpu.h"
#include "pte_rules/backtrace.h"
#include "yield_point.h"

namespace kernel {

Cpu& this_cpu() {
  return cpu_of(sim::running.vcpu);
}

void cpu_pause() {
  const uint64_t rip = sim::registers().rip;
  sim::trap(sim::Cause::kPause);
  if (sim::registers().rip != rip) {
    sim::fail("a pause did not return to where it was made");
  }
}

void yield_point(YieldPoint point, const void* what) {
  if (!sim::running.explored) {
    return;
  }
  uint64_t callers[guest_abi::kPteTraceDepth];
  pte_rules::capture_backtrace(callers);
  sim::machine().yield_point(point, what, callers);
}

uint64_t read_tsc() {
  return sim::machine().read_tsc();
}

}  // namespace kernel
