#include "machine/refusal_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace vmm {

std::string refusal_text(const pvmmu::Refusal& refusal) {
  std::string text =
      absl::StrFormat("%s, request %u: %s: %s (rule %s)", refusal.operation, refusal.request,
                      pvmmu::errno_name(refusal.error), refusal.reason,
                      pvmmu::kRuleTags[static_cast<unsigned>(refusal.rule)]);
  if (refusal.level != 0) {
    absl::StrAppendFormat(&text, "; L%u table 0x%x slot %u, entry 0x%x", refusal.level,
                          refusal.table.raw(), refusal.slot, refusal.entry);
  }
  if (refusal.frame != pvmmu::kInvalidMfn) {
    absl::StrAppendFormat(&text, "; frame 0x%x", refusal.frame.raw());
    if (refusal.now.in_range) {
      absl::StrAppendFormat(&text, " is type %u%s, %u typed of %u references",
                            static_cast<unsigned>(refusal.now.type),
                            refusal.now.pinned ? ", pinned" : "", refusal.now.type_count,
                            refusal.now.total_count);
    }
  }
  if (refusal.has_address) absl::StrAppendFormat(&text, "; linear 0x%x", refusal.address.raw());
  return text;
}

}  // namespace vmm
