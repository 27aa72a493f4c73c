#include "sched/events.h"

#include "accelerator/driver.h"
#include "arch/boot.h"
#include "arch/hypercall.h"
#include "options.h"
#include "panic.h"
#include "sched/clock.h"

namespace kernel {
namespace {

constexpr unsigned kPortsPerWord = 64;

// Ports start out masked or not as the hypervisor likes; ours are open from the time they exist.
void open_port(evtchn_port_t port) {
  xen_ulong_t& word = shared_info().evtchn_mask[port / kPortsPerWord];
  __atomic_and_fetch(&word, ~(xen_ulong_t{1} << (port % kPortsPerWord)), __ATOMIC_SEQ_CST);
}

}  // namespace

void events_open_port(evtchn_port_t port) {
  open_port(port);
}

namespace {

evtchn_port_t bind_ipi(unsigned cpu) {
  evtchn_bind_ipi_t request{};
  request.vcpu = cpu;
  const int64_t error = hypercall_event_channel_op(EVTCHNOP_bind_ipi, &request);
  kernel_assert(error == 0, "an event channel for reschedules");
  open_port(request.port);
  return request.port;
}

evtchn_port_t bind_timer(unsigned cpu) {
  evtchn_bind_virq_t request{};
  request.virq = VIRQ_TIMER;
  request.vcpu = cpu;
  const int64_t error = hypercall_event_channel_op(EVTCHNOP_bind_virq, &request);
  kernel_assert(error == 0, "an event channel for the timer");
  open_port(request.port);
  return request.port;
}

void arm_timer() {
  constexpr uint64_t kNanosecondsPerSecond = 1'000'000'000;
  const uint64_t period = kNanosecondsPerSecond / options().tick_hz;
  kernel_assert(hypercall_set_timer(system_time(this_cpu()) + period) == 0, "set_timer_op");
}

void take_event(Cpu& cpu, evtchn_port_t port) {
  if (port == cpu.reschedule_port) {
    __atomic_store_n(&cpu.need_resched, true, __ATOMIC_RELEASE);
  } else if (port == cpu.timer_port && options().tick_hz != 0) {
    __atomic_store_n(&cpu.need_resched, true, __ATOMIC_RELEASE);
    arm_timer();
  } else if (port == accelerator_port()) {
    accelerator_event();
    __atomic_store_n(&cpu.need_resched, true, __ATOMIC_RELEASE);
  }
}

void take_word(Cpu& cpu, unsigned word) {
  shared_info_t& info = shared_info();
  for (;;) {
    const xen_ulong_t pending = __atomic_load_n(&info.evtchn_pending[word], __ATOMIC_ACQUIRE) &
                                ~__atomic_load_n(&info.evtchn_mask[word], __ATOMIC_RELAXED);
    if (pending == 0) {
      return;
    }
    const auto bit = static_cast<unsigned>(__builtin_ctzll(pending));
    __atomic_and_fetch(&info.evtchn_pending[word], ~(xen_ulong_t{1} << bit), __ATOMIC_SEQ_CST);
    take_event(cpu, word * kPortsPerWord + bit);
  }
}

}  // namespace

void events_start(Cpu& cpu) {
  cpu.reschedule_port = bind_ipi(cpu.id);
  if (options().tick_hz != 0) {
    cpu.timer_port = bind_timer(cpu.id);
  }
}

void timer_start() {
  if (options().tick_hz != 0) {
    arm_timer();
  }
}

// Two levels: a bit for each word, a bit in the word for each port.
void events_take_pending() {
  Cpu& cpu = this_cpu();
  vcpu_info_t& info = *cpu.vcpu_info;
  while (__atomic_exchange_n(&info.evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST) != 0) {
    xen_ulong_t words = __atomic_exchange_n(&info.evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
    for (; words != 0; words &= words - 1) {
      take_word(cpu, static_cast<unsigned>(__builtin_ctzll(words)));
    }
  }
}

void send_reschedule(Cpu& cpu) {
  evtchn_send_t request{};
  request.port = cpu.reschedule_port;
  kernel_assert(hypercall_event_channel_op(EVTCHNOP_send, &request) == 0, "a reschedule event");
}

}  // namespace kernel
