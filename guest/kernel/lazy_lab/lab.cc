#include "lazy_lab/lab.h"

#include "console.h"
#include "lazy_lab/bench.h"
#include "lazy_lab/schedules.h"
#include "mm/pv/lazy_mode.h"
#include "mm/pv/vcpu_state.h"
#include "options.h"
#include "panic.h"

namespace kernel {

bool lazy_lab_is_open() {
  return options().lazy_schedule != guest_abi::LazySchedule::kNone;
}

uint32_t lazy_lab_run() {
  const Options& chosen = options();
  kernel_assert(chosen.vcpus == 1, "the laboratory has one processor");
  console_print("lazy lab: policy %s, schedule %s\n",
                guest_abi::kLazyPolicyNames[static_cast<unsigned>(chosen.lazy_policy)],
                guest_abi::kLazyScheduleNames[static_cast<unsigned>(chosen.lazy_schedule)]);
  lazy_observer = lazy_lab::found;
  lazy_lab::play(chosen.lazy_schedule);
  lazy_observer = nullptr;
  if (pv_this_vcpu().lazy) {
    lazy_lab::found("the processor is still in lazy mode when all is over");
    lazy_leave();
  }
  console_print("lazy lab: %s\n", lazy_lab::found_any() ? "breaks" : "holds");
  return lazy_lab::found_any() ? 1 : 0;
}

void lazy_lab_interrupt() {
  lazy_lab::interrupted();
}

bool lazy_lab_fault(uint64_t address) {
  return lazy_lab::repair(address);
}

}  // namespace kernel
