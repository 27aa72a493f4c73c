#include "machine/vcpu_situation.h"

#include <algorithm>
#include <chrono>

#include "machine/domain.h"
#include "machine/vcpu.h"

namespace vmm {
namespace {

// A thread may need so long from its deadline to its next turn, on a machine that is busy.
constexpr std::chrono::nanoseconds kTardiness = std::chrono::seconds(2);

}  // namespace

// It is not even on its way.
bool Vcpu::overdue() {
  const uint64_t now = domain_.clock().now();
  const auto tardiness = static_cast<uint64_t>(kTardiness.count());
  return pending_action_ && !thread_->wake_requested() &&
         wait_is_over(now - std::min(now, tardiness));
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
