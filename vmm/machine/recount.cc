// The audit: recounts of all types and references, after calls and at the end.
#include "absl/strings/str_format.h"
#include "machine/domain.h"
#include "machine/vcpu.h"

namespace vmm {

LiveFrames Domain::live_frames() {
  return LiveFrames(*mmu_, {monitor_.m2p(), monitor_.m2p_entries()});
}

std::string Domain::findings_report(const std::string& after) {
  std::vector<VcpuCalls> calls;
  for (unsigned id = 0; id < vcpus_.size(); ++id) {
    calls.push_back({id, vcpus_[id]->recent_hypercalls()});
  }
  return audit_report(findings_, live_frames(), after, calls);
}

void Domain::recount(absl::FunctionRef<std::string()> after) {
  if (options_.audit != AuditPolicy::kEveryCall || stopping()) return;
  if (findings_.recount(*mmu_)) return;
  stop(RunResult::End::kDisagreed, std::nullopt, findings_report(after()));
}

void Domain::audit(RunResult& result) {
  std::lock_guard lock(lock_);
  if (result.end == RunResult::End::kDisagreed) {
    result.audit_report = std::exchange(result.failure, {});
  } else if (!findings_.recount(*mmu_)) {
    result.audit_report = findings_report("the end of the run");
  }
  for (const pvmmu::AuditDifference& found : findings_.kept()) {
    result.audit_differences.push_back(difference_text(found));
  }
  result.audited = true;
}

void Vcpu::recount_after(uint64_t number, const uint64_t (&arguments)[6]) {
  domain_.recount([&] {
    return absl::StrFormat("%s(0x%x, 0x%x, 0x%x, 0x%x)%s of vCPU %u",
                           hypercall_name(hypercall_slot(number)), arguments[0], arguments[1],
                           arguments[2], arguments[3], in_multicall_ ? " in a multicall" : "", id_);
  });
}

}  // namespace vmm
