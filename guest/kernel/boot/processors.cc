#include "boot/processors.h"

#include "accounting.h"
#include "arch/boot.h"
#include "mm/mm.h"
#include "panic.h"
#include "percpu.h"
#include "sched/events.h"
#include "sched/scheduler.h"

namespace kernel {
namespace {

constinit unsigned running = 1;  // atomic

}  // namespace

void start_processors(pvmmu::Mfn root) {
  for (unsigned id = 1; id < cpu_count(); ++id) {
    Cpu& cpu = cpu_of(id);
    cpu.self = &cpu;
    cpu.id = id;
    cpu.idle = task_alloc();
    kernel_assert(cpu.idle != nullptr, "a task for the idle thread");
    events_start(cpu);
    arch_start_secondary(cpu, root);
    for (unsigned round = 0; __atomic_load_n(&running, __ATOMIC_ACQUIRE) == id; ++round) {
      spin_wait(round);
    }
  }
}

extern "C" void secondary_start() {
  accounting_set_operation(Operation::kBoot);
  Cpu& cpu = this_cpu();
  mm_start_vcpu(cpu.id);
  sched_start_cpu(*cpu.idle);
  timer_start();
  __atomic_fetch_add(&running, 1, __ATOMIC_RELEASE);
  sched_idle_loop();
}

}  // namespace kernel
