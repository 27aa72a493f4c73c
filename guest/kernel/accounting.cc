#include "accounting.h"

#include "arch/cpu.h"
#include "arch/hypercall.h"
#include "arch/memory.h"
#include "console.h"
#include "percpu.h"

namespace kernel {
namespace {

using guest_abi::AccountingOperations;
using guest_abi::AccountingPage;
using guest_abi::GuestCounters;

// Each fills a page of its own, because the hypervisor takes whole pages.
struct alignas(4096) Pages {
  AccountingPage page;
  alignas(4096) AccountingOperations operations;
};

constinit Pages areas[kMaxCpus] = {};

Pages& area() {
  return areas[current_cpu()];
}
GuestCounters& phase_counters(Pages& pages) {
  return pages.page.phases[pages.page.phase];
}
GuestCounters& operation_counters(Pages& pages) {
  return pages.operations.operations[pages.page.operation];
}

void raise(uint64_t& maximum, uint64_t value) {
  if (maximum < value) {
    maximum = value;
  }
}

}  // namespace

void accounting_start(unsigned cpus) {
  for (unsigned cpu = 0; cpu < cpus; ++cpu) {
    Pages& pages = areas[cpu];
    pages.page.version = guest_abi::kAccountingVersion;
    const int64_t result = hypercall(
        guest_abi::kHypercallPvmmuOp, guest_abi::kPvmmuOpRegisterAccounting, cpu,
        mfn_of_image_address(&pages.page).raw(), mfn_of_image_address(&pages.operations).raw());
    if (result != 0 && result != -XEN_ENOSYS) {
      console_print("accounting pages of vCPU %u are refused: error %ld\n", cpu, -result);
    }
  }
}

void accounting_set_exit_code(uint32_t code) {
  areas[0].page.exit_code = code;
}

uint32_t accounting_set_phase(uint32_t phase) {
  const uint32_t before = accounting_phase();
  if (phase < guest_abi::kMaxPhases) {
    for (Pages& pages : areas) {
      __atomic_store_n(&pages.page.phase, phase, __ATOMIC_RELAXED);
    }
  }
  return before;
}

uint32_t accounting_phase() {
  return __atomic_load_n(&areas[0].page.phase, __ATOMIC_RELAXED);
}

Operation accounting_operation() {
  return static_cast<Operation>(area().page.operation);
}

Operation accounting_set_operation(Operation operation) {
  Pages& pages = area();
  const auto before = static_cast<Operation>(pages.page.operation);
  __atomic_store_n(&pages.page.operation, static_cast<uint32_t>(operation), __ATOMIC_RELAXED);
  return before;
}

void accounting_count(uint64_t GuestCounters::*counter, uint64_t amount) {
  Pages& pages = area();
  phase_counters(pages).*counter += amount;
  operation_counters(pages).*counter += amount;
}

void accounting_max_locks(uint64_t locks_held) {
  Pages& pages = area();
  raise(phase_counters(pages).max_locks_held, locks_held);
  raise(operation_counters(pages).max_locks_held, locks_held);
}

guest_abi::PteRuleReport& accounting_rules() {
  return areas[0].page.rules;
}

}  // namespace kernel
