#include "explain/frame_text.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/pte.h"

namespace vmm {
namespace {

using pvmmu::FrameUser;
using pvmmu::PageType;

constexpr std::pair<uint64_t, const char*> kBitNames[] = {
    {pvmmu::kPteWritable, "writable"}, {pvmmu::kPteUser, "user"},
    {pvmmu::kPteWriteThrough, "PWT"},  {pvmmu::kPteCacheDisable, "PCD"},
    {pvmmu::kPteAccessed, "accessed"}, {pvmmu::kPteDirty, "dirty"},
    {pvmmu::kPtePageSize, "PS/PAT"},   {pvmmu::kPteGlobal, "global"},
    {uint64_t{1} << 62, "bit 62"},     {pvmmu::kPteNoExecute, "no-execute"},
};

const char* article(PageType type) {
  return pvmmu::is_table(type) ? "an " : "a ";
}

std::string joined(std::vector<std::string> parts, size_t not_listed, const char* last) {
  if (not_listed != 0) parts.push_back(absl::StrCat(not_listed, " more"));
  if (parts.size() < 2) return parts.empty() ? "" : parts.front();
  const std::string tail = std::move(parts.back());
  parts.pop_back();
  return absl::StrCat(absl::StrJoin(parts, ", "), last, tail);
}

// All uses that rely on the type, or all that do not, as far as they are listed. A pin is said with
// the type.
std::vector<std::string> use_texts(const FrameLink& link, bool relying) {
  std::vector<std::string> texts;
  for (const FrameUse& use : link.uses) {
    if (use.relies_on_type != relying || use.user.kind == FrameUser::Kind::kPin) continue;
    texts.push_back(use_text(use));
  }
  return texts;
}

std::string release_entry_text(const FrameUse& use, const FrameChain& chain) {
  if (use.table_type != PageType::kL1) return absl::StrCat("drop the entry in ", use_text(use));
  std::string text = absl::StrCat("drop or write-protect the mapping in ", use_text(use));
  const bool is_first_step = !chain.steps.empty() && chain.steps[0].table == use.user.table &&
                             chain.steps[0].slot == use.user.slot;
  const auto address = is_first_step ? chain.address() : std::nullopt;
  if (address) absl::StrAppendFormat(&text, " (linear 0x%x)", address->raw());
  return text;
}

std::string release_use_text(const FrameUse& use, const FrameChain& chain) {
  switch (use.user.kind) {
    case FrameUser::Kind::kPin:
      return absl::StrFormat("unpin frame 0x%x (MMUEXT_UNPIN_TABLE)",
                             chain.links.front().frame.raw());
    case FrameUser::Kind::kKernelBasePointer:
      return absl::StrFormat("put vCPU %u on another kernel table (MMUEXT_NEW_BASEPTR)",
                             use.user.vcpu);
    case FrameUser::Kind::kUserBasePointer:
      return absl::StrFormat("put vCPU %u on another user table (MMUEXT_NEW_USER_BASEPTR)",
                             use.user.vcpu);
    case FrameUser::Kind::kVmm:
      return chain.links.front().state.type == PageType::kSegDesc
                 ? "set a descriptor table without it (set_gdt)"
                 : "take another frame for what was registered with the hypervisor";
    case FrameUser::Kind::kDevice:
      return "take it from the accelerator (invalidate)";
    case FrameUser::Kind::kEntry:
      break;
  }
  return release_entry_text(use, chain);
}

}  // namespace

std::string entry_text(uint64_t entry) {
  if (entry == 0) return "0 (empty)";
  if ((entry & pvmmu::kPtePresent) == 0) return absl::StrFormat("0x%x (not present)", entry);
  std::string text = absl::StrFormat("0x%x (frame 0x%x", entry, pvmmu::L1Pte(entry).frame().raw());
  for (const auto& [bit, name] : kBitNames) {
    if ((entry & bit) != 0) absl::StrAppend(&text, ", ", name);
  }
  return absl::StrCat(text, ")");
}

std::string type_text(const FrameState& state) {
  if (state.owner == pvmmu::FrameOwner::kHypervisor) return "the hypervisor's";
  if (state.owner == pvmmu::FrameOwner::kShared) {
    return "lent by the hypervisor, and writable for ever";
  }
  if (state.type == PageType::kNone) return "a page without a type";
  if (state.type == PageType::kWritable) return "a writable page";
  return absl::StrCat(article(state.type), pvmmu::page_type_name(state.type));
}

std::string table_text(PageType type, pvmmu::Mfn table) {
  const char* name = pvmmu::is_table(type) ? pvmmu::page_type_name(type) : "frame";
  return absl::StrFormat("%s 0x%x", name, table.raw());
}

std::string use_text(const FrameUse& use) {
  switch (use.user.kind) {
    case FrameUser::Kind::kPin:
      return "a pin";
    case FrameUser::Kind::kKernelBasePointer:
      return absl::StrFormat("the kernel base pointer of vCPU %u", use.user.vcpu);
    case FrameUser::Kind::kUserBasePointer:
      return absl::StrFormat("the user base pointer of vCPU %u", use.user.vcpu);
    case FrameUser::Kind::kVmm:
      return "the VMM";
    case FrameUser::Kind::kDevice:
      return "the accelerator";
    case FrameUser::Kind::kEntry:
      break;
  }
  return absl::StrFormat("slot %u of %s", use.user.slot,
                         table_text(use.table_type, use.user.table));
}

std::string link_text(const FrameLink& link) {
  const FrameState& state = link.state;
  std::string text = absl::StrFormat("frame 0x%x is %s", link.frame.raw(), type_text(state));
  if (state.owner == pvmmu::FrameOwner::kHypervisor) return text;
  if (state.pinned) absl::StrAppend(&text, ", pinned");
  if (state.in_progress) absl::StrAppend(&text, ", in the middle of validation or teardown");
  const std::vector<std::string> relying = use_texts(link, true);
  const std::vector<std::string> others = use_texts(link, false);
  if (!relying.empty()) {
    absl::StrAppend(&text, ", used as such by ",
                    joined(relying, others.empty() ? link.uses_not_listed() : 0, " and "));
  }
  if (!others.empty()) {
    absl::StrAppend(&text, ", mapped read-only by ",
                    joined(others, link.uses_not_listed(), " and "));
  }
  absl::StrAppendFormat(&text, " (type count %u, total count %u)", state.type_count,
                        state.total_count);
  return text;
}

std::string chain_text(const FrameChain& chain) {
  if (chain.steps.empty()) return "";
  std::string text = absl::StrFormat("frame 0x%x", chain.links.front().frame.raw());
  for (size_t i = 0; i < chain.steps.size(); ++i) {
    absl::StrAppendFormat(&text, " <- slot %u of %s", chain.steps[i].slot,
                          table_text(chain.links[i + 1].state.type, chain.steps[i].table));
  }
  std::vector<std::string> holders;
  for (const FrameUse& use : chain.links.back().uses) {
    if (use.user.kind != FrameUser::Kind::kEntry) holders.push_back(use_text(use));
  }
  if (!holders.empty()) absl::StrAppend(&text, " <- ", joined(holders, 0, " and "));
  return text;
}

std::string release_text(const FrameChain& chain) {
  if (chain.links.empty()) return "";
  const FrameLink& link = chain.links.front();
  std::vector<std::string> texts;
  for (const FrameUse& use : link.uses) {
    if (use.relies_on_type) texts.push_back(release_use_text(use, chain));
  }
  if (texts.empty()) return "";
  // All that were found rely on the type if the ones that are listed do.
  const bool all_rely = texts.size() == link.uses.size();
  return joined(std::move(texts), all_rely ? link.uses_not_listed() : 0, " and ");
}

}  // namespace vmm
