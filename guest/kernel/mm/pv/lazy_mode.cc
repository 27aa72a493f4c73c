#include "mm/pv/lazy_mode.h"

#include "mm/pv/vcpu_state.h"
#include "options.h"
#include "panic.h"
#include "pte_rules/hooks.h"
#include "pte_rules/seeded.h"

namespace kernel {

constinit LazyObserver lazy_observer = nullptr;

namespace {

bool state_is_the_threads() {
  return options().lazy_policy == LazyPolicy::k2026;
}
bool may_nest() {
  return options().lazy_policy == LazyPolicy::k2023 || state_is_the_threads();
}
bool knows_interrupts() {
  return options().lazy_policy != LazyPolicy::k2007;
}
bool survives_switches() {
  return options().lazy_policy != LazyPolicy::k2007;
}

unsigned& depth_of(PvVcpu& vcpu) {
  return state_is_the_threads() ? vcpu.lazy_mode.thread->depth : vcpu.lazy_mode.depth;
}

// Where the rules of 2026 look away.
bool calls_do_nothing(const PvVcpu& vcpu) {
  return state_is_the_threads() &&
         (vcpu.lazy_mode.in_interrupt || vcpu.lazy_mode.thread->pauses != 0);
}

// Whether requests wait, by what the state says now.
void settle(PvVcpu& vcpu) {
  const bool hidden = knows_interrupts() && vcpu.lazy_mode.in_interrupt;
  const bool paused = state_is_the_threads() && vcpu.lazy_mode.thread->pauses != 0;
  vcpu.lazy = depth_of(vcpu) != 0 && !hidden && !paused;
}

}  // namespace

void lazy_enter() {
  PvVcpu& vcpu = pv_this_vcpu();
  if (calls_do_nothing(vcpu)) {
    return;
  }
  unsigned& depth = depth_of(vcpu);
  const bool again = depth != 0;
  if (!again || !may_nest()) {
    pte_rules::lazy_enter();
  }
  if (again && !may_nest() && !pte_rules::any_seeded()) {
    panic("lazy mode entered twice");
  }
  depth = may_nest() ? depth + 1 : 1;
  settle(vcpu);
}

void lazy_leave() {
  PvVcpu& vcpu = pv_this_vcpu();
  if (calls_do_nothing(vcpu)) {
    return;
  }
  unsigned& depth = depth_of(vcpu);
  depth = may_nest() ? depth - 1 : 0;
  settle(vcpu);
  vcpu.queue.flush(multicall::FlushReason::kLeave);
  if (depth == 0) {
    pte_rules::lazy_leave();
  }
}

void lazy_pause() {
  PvVcpu& vcpu = pv_this_vcpu();
  if (!state_is_the_threads() || vcpu.lazy_mode.in_interrupt) {
    return;
  }
  if (vcpu.lazy_mode.thread->pauses++ == 0 && depth_of(vcpu) != 0) {
    settle(vcpu);
    vcpu.queue.flush(multicall::FlushReason::kLeave);
    pte_rules::lazy_leave();
  }
}

void lazy_resume() {
  PvVcpu& vcpu = pv_this_vcpu();
  if (!state_is_the_threads() || vcpu.lazy_mode.in_interrupt) {
    return;
  }
  if (--vcpu.lazy_mode.thread->pauses == 0 && depth_of(vcpu) != 0) {
    pte_rules::lazy_enter();
    settle(vcpu);
  }
}

void lazy_switch_out(LazyThread& previous) {
  PvVcpu& vcpu = pv_this_vcpu();
  if (!survives_switches() || depth_of(vcpu) == 0) {
    return;
  }
  if (!state_is_the_threads()) {
    previous.left_at_switch = true;
    lazy_leave();
    return;
  }
  if (vcpu.lazy) {
    vcpu.lazy = false;
    vcpu.queue.flush(multicall::FlushReason::kLeave);
    pte_rules::lazy_leave();
  }
}

void lazy_switch_in(LazyThread& next) {
  PvVcpu& vcpu = pv_this_vcpu();
  vcpu.lazy_mode.thread = &next;
  if (next.left_at_switch) {
    next.left_at_switch = false;
    lazy_enter();
  }
  if (state_is_the_threads()) {
    settle(vcpu);
    if (vcpu.lazy) {
      pte_rules::lazy_enter();
    }
  }
}

void lazy_interrupt_begin() {
  PvVcpu& vcpu = pv_this_vcpu();
  vcpu.lazy_mode.in_interrupt = true;
  settle(vcpu);
}

void lazy_interrupt_end() {
  PvVcpu& vcpu = pv_this_vcpu();
  vcpu.lazy_mode.in_interrupt = false;
  settle(vcpu);
}

}  // namespace kernel
