// Event upcalls, waiting, and the end, in the words of the hypervisor's interface.
#include "arch/cpu.h"

#include "arch/hypercall.h"
#include "percpu.h"
#include "sched/events.h"

namespace kernel {
namespace {

constexpr unsigned kPausesBeforeYield = 256;

uint8_t& upcall_mask() {
  return this_cpu().vcpu_info->evtchn_upcall_mask;
}

}  // namespace

unsigned current_cpu() {
  return this_cpu().id;
}

uint64_t events_save() {
  uint8_t& mask = upcall_mask();
  const uint8_t saved = __atomic_load_n(&mask, __ATOMIC_RELAXED);
  __atomic_store_n(&mask, 1, __ATOMIC_SEQ_CST);
  return saved;
}

void events_restore(uint64_t saved) {
  if (saved != 0) {
    return;
  }
  // What became pending while the mask was set brings no upcall by itself: take it first.
  vcpu_info_t& info = *this_cpu().vcpu_info;
  for (;;) {
    __atomic_store_n(&info.evtchn_upcall_mask, 0, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&info.evtchn_upcall_pending, __ATOMIC_SEQ_CST) == 0) {
      return;
    }
    __atomic_store_n(&info.evtchn_upcall_mask, 1, __ATOMIC_SEQ_CST);
    events_take_pending();
  }
}

bool events_masked() {
  return __atomic_load_n(&upcall_mask(), __ATOMIC_RELAXED) != 0;
}

void spin_wait(unsigned round) {
  if (round % kPausesBeforeYield == kPausesBeforeYield - 1) {
    hypercall_sched_op(SCHEDOP_yield, nullptr);
  } else {
    cpu_pause();
  }
}

void wait_for_event() {
  hypercall_sched_op(SCHEDOP_block, nullptr);
  events_save();
  events_take_pending();
}

void arch_shutdown(unsigned reason) {
  sched_shutdown_t request{};
  request.reason = reason;
  for (;;) {
    hypercall_sched_op(SCHEDOP_shutdown, &request);
  }
}

}  // namespace kernel
