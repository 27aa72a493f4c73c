#include "explain/frame_explanation.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/pte.h"
#include "explain/frame_text.h"
#include "pvmmu/type_keeper.h"

namespace vmm {
namespace {

using pvmmu::LinearAddr;
using pvmmu::Mfn;
using pvmmu::PtLevel;

std::string use_line(const SavedFrames& frames, const FrameUse& use) {
  std::string text = absl::StrCat("  ", use_text(use));
  if (use.user.kind == pvmmu::FrameUser::Kind::kEntry) {
    absl::StrAppend(&text, ": ", entry_text(use.user.entry));
    if (const auto address = address_of_entry(frames, use.user.table, use.user.slot)) {
      absl::StrAppendFormat(&text, ", linear 0x%x", address->raw());
    }
  }
  return absl::StrCat(text, use.relies_on_type ? "" : "; does not rely on the type", "\n");
}

// The roots of all vCPUs, each with the names of its users.
std::map<Mfn, std::vector<std::string>> named_roots(const SavedFrames& frames) {
  std::map<Mfn, std::vector<std::string>> names;
  for (const SavedRoots& saved : frames.roots()) {
    if (saved.kernel != pvmmu::kInvalidMfn) {
      names[saved.kernel].push_back(absl::StrFormat("kernel table of vCPU %u", saved.vcpu));
    }
    if (saved.user != pvmmu::kInvalidMfn) {
      names[saved.user].push_back(absl::StrFormat("user table of vCPU %u", saved.vcpu));
    }
  }
  return names;
}

// The frame that an entry of that level leads to; none if the walk ends with it.
std::optional<Mfn> walk_step(const SavedFrames& frames, Mfn table, PtLevel level, unsigned slot,
                             std::string& text) {
  absl::StrAppendFormat(&text, "  L%u table 0x%x slot %u: ", pvmmu::level_number(level),
                        table.raw(), slot);
  if (pvmmu::is_hypervisor_slot(level, slot)) {
    absl::StrAppend(&text, "the hypervisor's own; what lies behind it is not in the report\n");
    return std::nullopt;
  }
  const uint64_t entry = frames.entry(table, slot);
  absl::StrAppend(&text, entry_text(entry), "\n");
  if ((entry & pvmmu::kPtePresent) == 0) return std::nullopt;
  return pvmmu::L1Pte(entry).frame();
}

}  // namespace

std::string explain_frame(const SavedFrames& frames, Mfn frame) {
  const FrameChain chain = find_chain(frames, frame);
  const FrameLink& link = chain.links.front();
  std::string text = absl::StrCat(link_text(link), "\n");
  if (!link.uses.empty()) absl::StrAppend(&text, "Users:\n");
  for (const FrameUse& use : link.uses) absl::StrAppend(&text, use_line(frames, use));
  if (link.uses_not_listed() != 0) {
    absl::StrAppend(&text, "  and ", link.uses_not_listed(), " more\n");
  }
  if (!chain.steps.empty()) absl::StrAppend(&text, "Chain: ", chain_text(chain), "\n");
  const std::string release = release_text(chain);
  if (!release.empty()) {
    absl::StrAppend(&text, "Before it can be anything else: ", release, "\n");
  }
  return text;
}

std::string explain_walk(const SavedFrames& frames, Mfn root, LinearAddr address) {
  std::string text;
  Mfn frame = root;
  for (const PtLevel level : {PtLevel::kL4, PtLevel::kL3, PtLevel::kL2, PtLevel::kL1}) {
    const auto next = walk_step(frames, frame, level, address.index(level), text);
    if (!next) return text;
    if (!frames.contains(*next)) return absl::StrCat(text, "  no such frame\n");
    frame = *next;
  }
  return absl::StrCat(text, "  ", link_text(find_link(frames, frame)), "\n");
}

std::string explain_address(const SavedFrames& frames, LinearAddr address) {
  std::string text;
  for (const auto& [root, names] : named_roots(frames)) {
    absl::StrAppendFormat(&text, "linear 0x%x by the %s:\n", address.raw(),
                          absl::StrJoin(names, " and the "));
    absl::StrAppend(&text, explain_walk(frames, root, address));
  }
  if (text.empty()) text = "no vCPU had tables when the report was taken\n";
  return text;
}

}  // namespace vmm
