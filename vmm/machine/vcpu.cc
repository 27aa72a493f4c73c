#include "machine/vcpu.h"

#include <linux/kvm.h>

#include <utility>

#include "absl/strings/str_format.h"
#include "machine/domain.h"
#include "machine/guest_memory_access.h"

namespace vmm {

using pvmmu::LinearAddr;

Vcpu::Vcpu(Domain& domain, unsigned id, Processor& processor, std::unique_ptr<VcpuThread> thread)
    : domain_(domain), id_(id), processor_(processor), thread_(std::move(thread)) {}

Vcpu::~Vcpu() {
  join();
}

void Vcpu::start() {
  thread_->start([this] { thread_main(); });
}

void Vcpu::join() {
  thread_->join();
}

void Vcpu::wake() {
  thread_->wake();
  processor_.ask_attention();
}

void Vcpu::thread_main() {
  processor_.bind_to_this_thread();
  DomainLock lock(domain_.lock());
  run_until_stopped(lock);
  attribution_->leave(counters_);
}

void Vcpu::run_until_stopped(DomainLock& lock) {
  for (;;) {
    processor_.attention_given();
    if (domain_.stopping()) return;
    if (!wait_until_runnable(lock)) continue;
    deliver_events();
    if (domain_.stopping()) return;
    enter_guest(lock);
  }
}

// False: look again at the whole state (the domain may have stopped).
bool Vcpu::wait_until_runnable(DomainLock& lock) {
  Hypercalls& calls = domain_.hypercalls();
  const VcpuId self{id_};
  if (!up_) {
    if (domain_.accelerator().work_at_trap()) return false;
    if (domain_.all_blocked_for_ever()) {
      crash("no vCPU is up, or waits for an event that anything can raise");
      return false;
    }
    wait(lock, std::nullopt);
    return false;
  }
  if (!pending_action_) return true;
  const HypercallOutcome action = *pending_action_;
  if (action.action == HypercallOutcome::Action::kYield) {
    pending_action_.reset();
    thread_->yield(lock);
    domain_.platform().set_current(id_);
    return false;
  }
  if (wait_is_over(domain_.clock().now())) {
    pending_action_.reset();
    return true;
  }
  if (domain_.accelerator().work_at_trap()) return false;
  if (!action.deadline && domain_.all_blocked_for_ever()) {
    crash("every vCPU waits for an event, and nothing can raise one");
    return false;
  }
  calls.run_states().change(self, RUNSTATE_blocked);
  wait(lock, action.deadline);
  calls.run_states().change(self, RUNSTATE_running);
  GuestMemory memory(*this);
  calls.run_states().publish(
      self, memory, (calls.assists() & (uint64_t{1} << VMASST_TYPE_runstate_update_flag)) != 0);
  return false;
}

void Vcpu::wait(DomainLock& lock, std::optional<uint64_t> deadline) {
  if (Trace* trace = domain_.trace()) trace->waits(id_, up_);
  waiting_ = true;
  thread_->wait(lock, deadline);
  waiting_ = false;
  domain_.platform().set_current(id_);
  if (Trace* trace = domain_.trace()) trace->goes_on(id_);
}

// What it waits for is there, or its patience had ended at that time.
bool Vcpu::wait_is_over(uint64_t now) {
  Hypercalls& calls = domain_.hypercalls();
  const HypercallOutcome& action = *pending_action_;
  return calls.places().upcall_due(VcpuId{id_}) ||
         (action.action == HypercallOutcome::Action::kPoll &&
          (calls.poll_done(VcpuId{id_}) || (action.deadline && now >= *action.deadline)));
}

bool Vcpu::goes_on() {
  if (!waiting_) {
    return up_ &&
           (!pending_action_ || pending_action_->action == HypercallOutcome::Action::kYield ||
            domain_.hypercalls().places().upcall_due(VcpuId{id_}));
  }
  if (up_ && pending_action_ && pending_action_->deadline) return true;  // it wakes by itself
  return thread_->wake_requested();
}

VcpuResult Vcpu::result() {
  count_exits();
  return {counters_, std::move(attribution_), accounting_.page(), accounting_.operations()};
}

// The processor counts KVM's exits and its kicks itself: they are nobody's operation.
void Vcpu::count_exits() {
  counters_.exit(ExitReason::kMonitor) = processor_.exits(KVM_EXIT_IO);
  counters_.exit(ExitReason::kInterrupted) = processor_.exits(KVM_EXIT_INTR);
  counters_.exit(ExitReason::kMmio) = processor_.exits(KVM_EXIT_MMIO);
  counters_.exit(ExitReason::kHalt) = processor_.exits(KVM_EXIT_HLT);
  counters_.exit(ExitReason::kShutdown) = processor_.exits(KVM_EXIT_SHUTDOWN);
  counters_.exit(ExitReason::kFailEntry) = processor_.exits(KVM_EXIT_FAIL_ENTRY);
  counters_.exit(ExitReason::kInternalError) = processor_.exits(KVM_EXIT_INTERNAL_ERROR);
  counters_.remote_kicks = processor_.kicks();
  if (id_ == 0) counters_.coherence_touches = domain_.platform().touch_count();
}

pvmmu::Mfn Vcpu::root() const {
  const VcpuId self{id_};
  return cpu_.kernel_mode ? domain_.mmu().kernel_base_pointer(self)
                          : domain_.mmu().user_base_pointer(self);
}

// Ring 0 begins on the root that CR3 still holds. Once this vCPU has other base pointers, that root
// may be demoted, and lose the hypervisor's slots, by any vCPU at any time.
void Vcpu::leave_unheld_root() {
  const VcpuId self{id_};
  const pvmmu::Mfn held = processor_.hardware_root();
  if (held == domain_.monitor().idle_root() || held == domain_.mmu().kernel_base_pointer(self) ||
      held == domain_.mmu().user_base_pointer(self)) {
    return;
  }
  if (domain_.vcpu_count() == 1 && domain_.platform().is_live_root(held)) return;
  processor_.move_to_root(root());
}

void Vcpu::enter_guest(DomainLock& lock) {
  leave_unheld_root();
  EntryPlan plan{root(), std::exchange(cpu_.gs_exchange_owed, false), {}};
  if (domain_.vcpu_count() == 1) {
    plan.touches = domain_.platform().take_touches();
  } else {
    domain_.platform().set_current(id_);
    domain_.platform().finish_touches();
  }
  if (!domain_.platform().status().ok()) {
    domain_.stop(RunResult::End::kFailed, std::nullopt,
                 std::string(domain_.platform().status().message()));
    return;
  }
  lock.unlock();
  const Trap trap = processor_.run(cpu_.registers, std::move(plan));
  lock.lock();
  domain_.platform().set_current(id_);
  Trace* const trace = domain_.trace();
  if (trap.kind == Trap::Kind::kKicked) {
    if (trace != nullptr) trace->interrupted(id_);
    return;
  }
  if (domain_.stopping()) return;
  const uint32_t phase = accounting_.phase(), operation = accounting_.operation();
  attribution_->enter(counters_, phase, operation);
  if (trace != nullptr) {
    trace->doing(id_, phase, operation);
    trace->left_guest(id_);
  }
  handle_trap(trap);
  if (trace != nullptr) trace->guest_may_go_on(id_);
}

void Vcpu::count_trap(TrapCause cause) {
  ++counters_.trap(cause);
  if (Trace* trace = domain_.trace()) trace->trap(id_, cause);
}

bool Vcpu::copy_from_guest(void* to, LinearAddr from, size_t size) {
  return domain_.mmu().copy_from_guest(root(), to, from, size);
}

bool Vcpu::copy_to_guest(LinearAddr to, const void* from, size_t size) {
  return domain_.mmu().copy_to_guest(root(), to, from, size);
}

CrashInfo Vcpu::crash_info(std::string reason) {
  const VcpuId self{id_};
  const auto address_of = [](pvmmu::Mfn root) {
    return root == pvmmu::kInvalidMfn ? 0 : root.raw() << pvmmu::kPageShift;
  };
  CrashInfo crash;
  crash.reason = std::move(reason);
  crash.vcpu = id_;
  crash.kernel_mode = cpu_.kernel_mode;
  crash.registers = cpu_.registers;
  crash.kernel_root = address_of(domain_.mmu().kernel_base_pointer(self));
  crash.user_root = address_of(domain_.mmu().user_base_pointer(self));
  crash.backtrace =
      walk_frame_pointers(cpu_.registers, [this](uint64_t address, void* to, size_t size) {
        return copy_from_guest(to, LinearAddr(address), size);
      });
  crash.hypercalls = recent_.last();
  return crash;
}

void Vcpu::crash(std::string reason) {
  domain_.stop(RunResult::End::kCrashed, crash_info(std::move(reason)), {});
}

void Vcpu::crash_on_fault(std::string reason, uint64_t address, uint64_t code) {
  CrashInfo crash = crash_info(std::move(reason));
  crash.has_fault = true;
  crash.fault_address = address;
  crash.fault_code = code;
  domain_.stop(RunResult::End::kCrashed, std::move(crash), {});
}

}  // namespace vmm
