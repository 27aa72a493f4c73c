// The recount after a call (--audit=call): whether it agrees, and a report for people if not.
#pragma once

#include <string>
#include <vector>

#include "explain/frame_source.h"
#include "pvmmu/audit.h"
#include "pvmmu/mmu.h"
#include "report/crash_report.h"

namespace vmm {

// Collects what a recount finds. Only the first few differences are kept: where there is one, there
// are often many.
class AuditFindings final : public pvmmu::AuditSink {
 public:
  static constexpr size_t kMostKept = 16;

  std::span<pvmmu::AuditTally> tallies(size_t frame_count) override;
  void difference(const pvmmu::AuditDifference& found) override;

  // Recounts everything; true if all agrees. The domain's lock must be held.
  bool recount(pvmmu::Mmu& mmu);
  const std::vector<pvmmu::AuditDifference>& kept() const { return kept_; }
  size_t count() const { return count_; }

 private:
  std::vector<pvmmu::AuditTally> tallies_;
  std::vector<pvmmu::AuditDifference> kept_;
  size_t count_ = 0;
};

struct VcpuCalls {
  unsigned vcpu = 0;
  std::vector<HypercallRecord> hypercalls;  // oldest first
};

// The differences, each with both values and who uses the frame, and the last hypercalls of every
// vCPU. `after` says after what the recount was made.
std::string audit_report(const AuditFindings& findings, const FrameSource& frames,
                         const std::string& after, const std::vector<VcpuCalls>& calls);
// "frame 0x41: type count is 2, but 1 by recount"
std::string difference_text(const pvmmu::AuditDifference& found);

}  // namespace vmm
