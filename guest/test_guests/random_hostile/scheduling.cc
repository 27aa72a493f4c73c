// Blocking, stopping and starting vCPUs.
#include "random_hostile/actions.h"
#include "random_hostile/clock.h"
#include "random_hostile/pool.h"
#include "random_hostile/values.h"

namespace random_hostile {
namespace {

constexpr unsigned kNobody = kMaxCpus;
unsigned stopped = kNobody;  // the vCPU that went down; atomic

}  // namespace

void wake_stopped(Cpu& cpu) {
  const unsigned sleeper = __atomic_load_n(&stopped, __ATOMIC_ACQUIRE);
  if (sleeper == kNobody || sleeper == cpu.id) return;
  // It is down for certain only once the hypervisor says so; before that, `up` would be lost.
  if (cpu.call(__HYPERVISOR_vcpu_op, VCPUOP_is_up, sleeper) != 0) return;
  __atomic_store_n(&stopped, kNobody, __ATOMIC_RELEASE);
  cpu.call(__HYPERVISOR_vcpu_op, VCPUOP_up, sleeper);
}

void block_for_timer(Cpu& cpu) {
  Random& random = cpu.random;
  auto* bind = cpu.allocate_array<evtchn_bind_virq_t>(1);
  *bind = {.virq = VIRQ_TIMER, .vcpu = cpu.id, .port = 0};
  if (cpu.call(test_guest::kEventChannelOp, EVTCHNOP_bind_virq, address_of(bind)) == 0) {
    auto* unmask = cpu.allocate_array<evtchn_unmask_t>(1);
    unmask->port = bind->port;
    cpu.call(test_guest::kEventChannelOp, EVTCHNOP_unmask, address_of(unmask));
  }
  cpu.call(__HYPERVISOR_set_timer_op, system_time() + 20'000 + random.below(200'000));
  // Never for ever: others may have closed the port, or masked it, or both.
  auto* poll = cpu.allocate_array<sched_poll_t>(1);
  *poll = {};
  poll->timeout = system_time() + 2'000'000;
  cpu.call(test_guest::kSchedOp, SCHEDOP_poll, address_of(poll));
}

// One of two goes down, the other one finds it and brings it up again.
void stop_other(Cpu& cpu) {
  if (cpu_count() < 2) return;
  unsigned nobody = kNobody;
  if (cpu.random.one_in(2)) {
    const unsigned other = 1 - cpu.id;
    if (!__atomic_compare_exchange_n(&stopped, &nobody, other, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED)) {
      return;
    }
    cpu.call(__HYPERVISOR_vcpu_op, VCPUOP_down, other);
    cpu.call(__HYPERVISOR_vcpu_op, VCPUOP_is_up, other);
    wake_stopped(cpu);
    return;
  }
  if (__atomic_compare_exchange_n(&stopped, &nobody, cpu.id, false, __ATOMIC_ACQ_REL,
                                  __ATOMIC_RELAXED)) {
    cpu.call(__HYPERVISOR_vcpu_op, VCPUOP_down, cpu.id);
  }
}

void wild_vcpu(Cpu& cpu) {
  Random& random = cpu.random;
  auto* context = cpu.allocate_array<vcpu_guest_context_t>(1);
  auto* words = reinterpret_cast<uint64_t*>(context);
  for (unsigned i = 0; i < sizeof(*context) / sizeof(uint64_t); ++i) {
    words[i] = random.percent(60) ? random_mapped_address(random) : random.next();
  }
  if (random.percent(80)) context->flags |= VGCF_in_kernel;
  if (random.percent(80)) context->gdt_ents = 0;
  if (random.percent(80)) context->ctrlreg[3] = root_mfn(random.below(kRootCount)) * kPageSize;
  if (random.percent(80)) context->ctrlreg[1] = 0;
  // Never one that runs, and none of those is brought up.
  const uint64_t target = cpu_count() + random.below(3);
  cpu.call(__HYPERVISOR_vcpu_op, VCPUOP_initialise, target, maybe_bad(cpu, context));
}

}  // namespace random_hostile
