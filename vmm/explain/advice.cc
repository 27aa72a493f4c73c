#include "explain/advice.h"

#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/pte.h"
#include "explain/frame_text.h"
#include "pvmmu/type_keeper.h"

namespace vmm {
namespace {

using pvmmu::Errno;
using pvmmu::PageType;
using pvmmu::Refusal;
using pvmmu::Rule;

std::string_view operation(const RefusalRecord& record) {
  return record.refusal.operation;
}

std::string frame_name(const RefusalRecord& record) {
  return absl::StrFormat("frame 0x%x", record.frame.raw());
}

std::string release_first(const RefusalRecord& record) {
  const std::string release = release_text(record.chain);
  return release.empty() ? "" : absl::StrCat(release, " first");
}

// The guest named a frame that it does not have.
std::string name_own_frame(const RefusalRecord& record) {
  if (record.frame_of_page) {
    return absl::StrFormat(
        "translate page numbers to machine frames first (p2m): as a pfn 0x%x, this is frame 0x%x",
        record.frame.raw(), record.frame_of_page->raw());
  }
  return "name a frame of the domain: its p2m list holds them all";
}

bool frame_is_domains(const RefusalRecord& record) {
  return record.frame_exists && record.frame_now().owner != pvmmu::FrameOwner::kHypervisor;
}

std::string one_type(const RefusalRecord& record) {
  if (!frame_is_domains(record)) return name_own_frame(record);
  const FrameState& now = record.frame_now();
  const PageType wanted = wanted_type(record);
  const bool pin = operation(record).starts_with("MMUEXT_PIN_");
  if (operation(record) == "MMUEXT_UNPIN_TABLE") {
    return "unpin only frames that an MMUEXT_PIN_Ln_TABLE has pinned";
  }
  if (pin && now.pinned && now.type == wanted) return "leave out this second pin";
  // It was a table only while the request validated it.
  if (pvmmu::is_table(now.type) && !now.whole && release_text(record.chain).empty()) {
    return absl::StrCat("take out the entry that leads back to ", frame_name(record),
                        ", which was being validated itself");
  }
  const std::string release = release_first(record);
  if (release.empty()) return "ask again when the frame is no longer in use";
  if (now.type == PageType::kSegDesc && wanted == PageType::kWritable) {
    return absl::StrCat("change single descriptors by update_descriptor, or ", release);
  }
  return release;
}

std::string no_writable_table(const RefusalRecord& record) {
  if (record.refusal.level > 1)
    return "leave Writable out of an entry for a table of its own level";
  const std::string release = release_first(record);
  return release.empty() ? "map it read-only" : absl::StrCat(release, ", or map it read-only");
}

std::string entry_target(const RefusalRecord& record) {
  if (!frame_is_domains(record)) return name_own_frame(record);
  if (record.refusal.level > 1) {
    return absl::StrFormat(
        "name an L%u table, or a validated L%u table that has no same-level entries itself",
        record.refusal.level - 1u, record.refusal.level);
  }
  return "name a frame that may be used so";
}

// The bits that no entry of that level may have. [pvmmu/src/entry_bits.h]
std::vector<std::string> forbidden_bits(const Refusal& refusal) {
  std::vector<std::string> names;
  const auto add = [&](uint64_t bit, const char* name) {
    if ((refusal.entry & bit) != 0) names.emplace_back(name);
  };
  add(pvmmu::kPteWriteThrough, "PWT");
  add(pvmmu::kPteCacheDisable, "PCD");
  if (refusal.level == 1) {
    add(pvmmu::kPtePageSize, "PAT");
    add(uint64_t{1} << 62, "bit 62");
  } else {
    add(pvmmu::kPtePageSize, "PS (there are no superpages: map 4 KiB pages by an L1 table)");
    add(pvmmu::kPteGlobal, "GLOBAL");
  }
  return names;
}

std::string entry_bits(const RefusalRecord& record) {
  const Refusal& refusal = record.refusal;
  if (refusal.level == 4 && pvmmu::is_hypervisor_slot(pvmmu::PtLevel::kL4, refusal.slot)) {
    return absl::StrCat("leave slots ", pvmmu::kFirstHypervisorSlot, " to ",
                        pvmmu::kLastHypervisorSlot, " of L4 tables to the hypervisor");
  }
  if (refusal.level == 0) {
    return "use descriptors that are not present, or of code and data: no system segments, no "
           "gates";
  }
  const std::vector<std::string> bits = forbidden_bits(refusal);
  if (!bits.empty()) return absl::StrCat("clear ", absl::StrJoin(bits, ", "));
  return name_own_frame(record);
}

std::string any_input(const RefusalRecord& record) {
  const std::string_view name = operation(record);
  switch (record.refusal.error) {
    case Errno::kEFAULT:
      return record.address
                 ? absl::StrFormat("map linear 0x%x before the hypervisor has to read it",
                                   record.address->raw())
                 : "map the arguments before the hypervisor has to read them";
    case Errno::kESRCH:
    case Errno::kEPERM:
      return "pass DOMID_SELF: the domain is alone here";
    case Errno::kENOSYS:
      return "do without it: it is not implemented";
    case Errno::kEOPNOTSUPP:
      return "use 4 KiB pages";
    default:
      break;
  }
  if (name == "update_va_mapping")
    return "enter tables down to L1 for the address first (mmu_update)";
  if (name == "emulated write") {
    return "store 1, 2, 4 or 8 aligned bytes, or use MMU_NORMAL_PT_UPDATE";
  }
  if (name == "update_descriptor") return "pass the address of a descriptor, a multiple of 8";
  if (name.starts_with("MMUEXT_FLUSH_CACHE")) return "leave the cache flush out";
  return "mend the argument";
}

}  // namespace

std::string advice(const RefusalRecord& record) {
  switch (record.refusal.rule) {
    case Rule::kOneType:
      return one_type(record);
    case Rule::kCounts:
      return absl::StrCat("give up some of the references to ", frame_name(record), " first");
    case Rule::kNoWritableTable:
      return no_writable_table(record);
    case Rule::kEntryTarget:
      return entry_target(record);
    case Rule::kEntryBits:
      return entry_bits(record);
    case Rule::kAnyInput:
      return any_input(record);
    case Rule::kAccessedDirty:
      return "ask again: processors kept setting bits of the entry";
    case Rule::kBoundedWork:
      return "split the array";
    case Rule::kNone:
    case Rule::kNoEffect:
    case Rule::kCount:
      break;
  }
  return "mend the request";
}

}  // namespace vmm
