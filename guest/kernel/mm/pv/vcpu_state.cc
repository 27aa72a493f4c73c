#include "mm/pv/vcpu_state.h"

#include <new>

#include "accounting.h"
#include "arch/cpu.h"
#include "arch/hypercall.h"
#include "arch/memory.h"
#include "options.h"
#include "panic.h"
#include "pte_rules/hooks.h"

namespace kernel {
namespace {

alignas(PvVcpu) unsigned char storage[kMaxCpus][sizeof(PvVcpu)];
bool started[kMaxCpus];

// The modes that trap once for each update do not batch anything else either.
multicall::Limits queue_limits() {
  return options().mode >= Mode::kLazy ? options().batch : multicall::kUnbatchedLimits;
}

bool in_operation(const PvVcpu& vcpu) {
  return !vcpu.queue.empty() || vcpu.lazy || vcpu.table_locks_held != 0;
}

}  // namespace

int64_t QueueSink::call(uint64_t op, const uint64_t (&args)[6]) {
  return arch_hypercall(op, args);
}

uint64_t QueueSink::mask_events() {
  return events_save();
}

void QueueSink::restore_events(uint64_t saved) {
  events_restore(saved);
}

void QueueSink::entry_failed(const multicall::FailedEntry& failed) {
  panic("hypercall %lu(%lx, %lx, %lx, %lx) returned %ld; entry %u of %u, queued at %lx", failed.op,
        failed.args[0], failed.args[1], failed.args[2], failed.args[3], failed.result, failed.index,
        failed.batch_size, failed.call_site);
}

void QueueSink::flushed(multicall::FlushReason reason, unsigned entries) {
  yield_point(YieldPoint::issue);
  pte_rules::queue_issued(entries);
  switch (reason) {
    case multicall::FlushReason::kSlots:
      return accounting_count(&guest_abi::GuestCounters::flush_slots);
    case multicall::FlushReason::kArguments:
      return accounting_count(&guest_abi::GuestCounters::flush_args);
    case multicall::FlushReason::kCallbacks:
      return accounting_count(&guest_abi::GuestCounters::flush_callbacks);
    case multicall::FlushReason::kLeave:
      return accounting_count(&guest_abi::GuestCounters::flush_leave);
    default:
      return accounting_count(&guest_abi::GuestCounters::flush_explicit);
  }
}

void QueueSink::callback_ran() {
  accounting_count(&guest_abi::GuestCounters::callbacks);
}

uint64_t QueueSink::linear_address(const void* place) {
  return kernel::linear_address(place);
}

void pv_start_vcpu(unsigned cpu) {
  new (storage[cpu]) PvVcpu(queue_limits());
  started[cpu] = true;
}

PvVcpu& pv_this_vcpu() {
  const unsigned cpu = current_cpu();
  kernel_assert(started[cpu], "the mm is used on a vCPU that it was not started on");
  return *std::launder(reinterpret_cast<PvVcpu*>(storage[cpu]));
}

void pv_check_context_switch() {
  pte_rules::operation_end();
  if (!in_operation(pv_this_vcpu())) {
    return;
  }
  if (lazy_observer == nullptr) {
    panic("threads change with calls queued, in a lazy section, or with a table lock held");
  }
  lazy_observer("threads change in lazy mode");
}

void pv_check_events_open() {
  pte_rules::operation_end();
  if (!in_operation(pv_this_vcpu())) {
    return;
  }
  if (lazy_observer == nullptr) {
    panic("upcalls open with calls queued, in a lazy section, or with a table lock held");
  }
  lazy_observer("the processor idles in lazy mode");
}

}  // namespace kernel
