#include "stats/phase_name.h"

#include "absl/strings/str_cat.h"
#include "guest_abi/accounting.h"

namespace vmm {

std::string phase_name(std::span<const std::string> labels, uint32_t phase) {
  if (phase == guest_abi::kPhaseBoot) return "boot";
  if (phase == guest_abi::kPhaseMain) return "main";
  const size_t label = phase - guest_abi::kFirstLabelPhase;
  if (label < labels.size()) return labels[label];
  return absl::StrCat("phase ", phase);
}

}  // namespace vmm
