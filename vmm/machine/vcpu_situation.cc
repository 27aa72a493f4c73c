#include "machine/vcpu_situation.h"

#include <chrono>

#include "machine/domain.h"
#include "machine/vcpu.h"

namespace vmm {
namespace {

// A thread may need so long from its deadline to its next turn, on a machine that is busy.
constexpr std::chrono::nanoseconds kTardiness = std::chrono::seconds(2);

}  // namespace

bool Vcpu::overdue() {
  Hypercalls& calls = domain_.hypercalls();
  if (thread_->wake_requested()) return false;  // it is on its way
  const HypercallOutcome& action = *pending_action_;
  const uint64_t late = domain_.clock().now() - static_cast<uint64_t>(kTardiness.count());
  return calls.places().upcall_due(VcpuId{id_}) ||
         (action.action == HypercallOutcome::Action::kPoll &&
          (calls.poll_done(VcpuId{id_}) || (action.deadline && late > *action.deadline)));
}

VcpuSituation Vcpu::situation() {
  using State = VcpuSituation::State;
  VcpuSituation result{State::kRuns, cpu_.registers.rip, cpu_.kernel_mode};
  if (!up_) {
    result.state = State::kDown;
  } else if (waiting_) {
    result.state = overdue() ? State::kOverdue : State::kWaits;
  }
  return result;
}

std::vector<VcpuSituation> Domain::situations() {
  DomainLock lock(lock_);
  std::vector<VcpuSituation> result;
  for (const auto& vcpu : vcpus_) result.push_back(vcpu->situation());
  return result;
}

}  // namespace vmm
