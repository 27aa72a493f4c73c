#include "explain/call_audit.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "explain/frame_chain.h"
#include "explain/frame_text.h"

namespace vmm {
namespace {

using pvmmu::AuditDifference;

// What is believed and counted are numbers, but a type has a name.
std::string value_text(const AuditDifference& found, uint64_t value) {
  constexpr auto kLast = static_cast<uint64_t>(pvmmu::PageType::kSegDesc);
  const std::string_view what = found.what;
  if ((what == "type" || what == "used as two types") && value <= kLast) {
    return pvmmu::page_type_name(static_cast<pvmmu::PageType>(value));
  }
  if (what == "bits of an entry" || what == "a hypervisor slot") return entry_text(value);
  return absl::StrCat(value);
}

std::string finding_text(const AuditDifference& found, const FrameSource& frames) {
  std::string text = absl::StrCat("  ", difference_text(found), "\n");
  if (found.table != pvmmu::kInvalidMfn && frames.contains(found.table)) {
    absl::StrAppendFormat(&text, "    found in slot %u of %s: %s\n", found.slot,
                          table_text(frames.state(found.table).type, found.table),
                          entry_text(found.entry));
  }
  if (!frames.contains(found.frame)) return text;
  const FrameChain chain = find_chain(frames, found.frame);
  absl::StrAppend(&text, "    ", link_text(chain.links.front()), "\n");
  if (!chain.steps.empty()) absl::StrAppend(&text, "    chain: ", chain_text(chain), "\n");
  return text;
}

}  // namespace

std::span<pvmmu::AuditTally> AuditFindings::tallies(size_t frame_count) {
  tallies_.resize(frame_count);
  return tallies_;
}

void AuditFindings::difference(const AuditDifference& found) {
  if (count_++ < kMostKept) kept_.push_back(found);
}

bool AuditFindings::recount(pvmmu::Mmu& mmu) {
  kept_.clear();
  count_ = 0;
  return mmu.audit(*this);
}

std::string difference_text(const AuditDifference& found) {
  return absl::StrFormat("frame 0x%x: %s is %s, but %s by recount", found.frame.raw(), found.what,
                         value_text(found, found.believed), value_text(found, found.counted));
}

std::string audit_report(const AuditFindings& findings, const FrameSource& frames,
                         const std::string& after, const std::vector<VcpuCalls>& calls) {
  std::string text =
      absl::StrCat("*** the audit found types or counts that disagree with memory after ", after,
                   "; this is a defect of pvmmu\n");
  for (const AuditDifference& found : findings.kept()) {
    absl::StrAppend(&text, finding_text(found, frames));
  }
  if (findings.count() > findings.kept().size()) {
    absl::StrAppend(&text, "  and ", findings.count() - findings.kept().size(), " more\n");
  }
  for (const VcpuCalls& vcpu : calls) {
    absl::StrAppend(&text, "last hypercalls of vCPU ", vcpu.vcpu, ", oldest first\n",
                    hypercalls_text(vcpu.hypercalls));
  }
  return text;
}

}  // namespace vmm
