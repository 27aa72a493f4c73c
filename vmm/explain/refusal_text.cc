#include "explain/refusal_text.h"

#include <string_view>

#include "abi/xen.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/pte.h"
#include "explain/advice.h"
#include "explain/frame_text.h"

namespace vmm {
namespace {

using pvmmu::Refusal;

const char* rule_tag(pvmmu::Rule rule) {
  return pvmmu::kRuleTags[static_cast<unsigned>(rule)];
}

std::string slot_text(const Refusal& refusal) {
  return absl::StrFormat("slot %u of L%u table 0x%x", refusal.slot, refusal.level,
                         refusal.table.raw());
}

// ", linear 0x7f0000005000"
std::string address_text(const RefusalRecord& record) {
  return record.address ? absl::StrFormat(", linear 0x%x", record.address->raw()) : "";
}

// "it" where the frame was just talked of.
std::string target_text(const RefusalRecord& record) {
  const pvmmu::Mfn named = pvmmu::L1Pte(record.refusal.entry).frame();
  if (named == record.frame) return "it";
  return absl::StrFormat("frame 0x%x", named.raw());
}

// A change of an entry.
std::string entry_request_text(const RefusalRecord& record) {
  const Refusal& refusal = record.refusal;
  // The address that a store went to is not what the entry translates.
  const bool store = refusal.operation == std::string_view("emulated write");
  const std::string by =
      store ? absl::StrFormat(", by a store to linear 0x%x,", refusal.address.raw()) : "";
  const std::string where = absl::StrCat(slot_text(refusal), store ? "" : address_text(record));
  if (refusal.entry == 0) {
    const std::string value =
        record.asked.place ? absl::StrCat(": ", entry_text(record.asked.value)) : "";
    return absl::StrCat("asked", by, " to change ", where, value);
  }
  const bool leaf = refusal.level == 1;
  const bool writable = (refusal.entry & pvmmu::kPteWritable) != 0;
  const std::string what = leaf ? absl::StrCat(writable ? "a writable" : "a read-only",
                                               " mapping of ", target_text(record))
                                : absl::StrCat("an entry for ", target_text(record));
  return absl::StrCat("asked", by, " for ", what, " in ", where, ": ", entry_text(refusal.entry));
}

std::string command_text(unsigned command) {
  switch (command) {
    case MMU_NORMAL_PT_UPDATE:
      return "MMU_NORMAL_PT_UPDATE";
    case MMU_MACHPHYS_UPDATE:
      return "MMU_MACHPHYS_UPDATE";
    case MMU_PT_UPDATE_PRESERVE_AD:
      return "MMU_PT_UPDATE_PRESERVE_AD";
    case MMU_PT_UPDATE_NO_TRANSLATE:
      return "MMU_PT_UPDATE_NO_TRANSLATE";
    default:
      return absl::StrCat("command ", command);
  }
}

// What the operation as a whole is about.
std::string operation_request_text(const RefusalRecord& record) {
  const std::string_view name = record.refusal.operation;
  const AskedFor& asked = record.asked;
  if (name == "mmu_update" && asked.place) {
    return absl::StrFormat("asked to store 0x%x at machine address 0x%x (%s)", asked.value,
                           asked.place->raw() & ~uint64_t{7},
                           command_text(static_cast<unsigned>(asked.place->raw() & 7)));
  }
  if (asked.place) {
    return absl::StrFormat("asked to store 0x%x at machine address 0x%x", asked.value,
                           asked.place->raw());
  }
  if (name == "update_va_mapping") {
    return absl::StrCat("asked for entry ", entry_text(asked.value), address_text(record));
  }
  const pvmmu::Mfn frame = asked.frame.value_or(record.frame);
  if (frame == pvmmu::kInvalidMfn && !asked.frame) {
    return absl::StrCat("was asked for", address_text(record));
  }
  const std::string named =
      frame == record.frame ? "it" : absl::StrFormat("frame 0x%x", frame.raw());
  const pvmmu::PageType wanted = wanted_type(record);
  if (name.starts_with("MMUEXT_PIN_L")) {
    return absl::StrFormat("asked to pin %s as an L%c table", named, name[12]);
  }
  if (name == "MMUEXT_UNPIN_TABLE") return absl::StrCat("asked to unpin ", named);
  if (name.ends_with("_BASEPTR")) return absl::StrCat("asked to run on ", named);
  if (name == "set_initial_base_pointer") return absl::StrCat("asked to start a vCPU on ", named);
  if (name == "set_gdt") return absl::StrCat("asked for ", named, " as a descriptor table");
  if (asks_for_vmm_page(record)) return absl::StrCat("asked the hypervisor to write to ", named);
  if (wanted == pvmmu::PageType::kWritable) return absl::StrCat("asked to write to ", named);
  return absl::StrCat("was asked for ", named, address_text(record));
}

std::string request_text(const RefusalRecord& record) {
  const Refusal& refusal = record.refusal;
  if (refusal.level == 0) {
    const bool descriptor = refusal.slot != Refusal::kNoSlot;
    return absl::StrCat(
        operation_request_text(record),
        descriptor ? absl::StrFormat(", where descriptor %u is 0x%x", refusal.slot, refusal.entry)
                   : "");
  }
  if (!found_in_validation(record)) return entry_request_text(record);
  RefusalRecord whole = record;  // as if the request were all there is
  whole.refusal.level = 0;
  whole.address.reset();
  return absl::StrCat(operation_request_text(whole), ", where ", slot_text(refusal), " is ",
                      entry_text(refusal.entry));
}

std::string subject_text(const RefusalRecord& record) {
  if (record.frame_exists) return absl::StrCat(link_text(record.chain.links.front()), "; ");
  if (record.frame == pvmmu::kInvalidMfn && !record.asked.frame) return "";
  return absl::StrFormat("frame 0x%x does not exist (the machine has %u frames); ",
                         record.frame.raw(), record.frame_count);
}

}  // namespace

std::string refusal_line(const Refusal& refusal) {
  std::string text =
      absl::StrFormat("%s, request %u: %s: %s (rule %s)", refusal.operation, refusal.request,
                      pvmmu::errno_name(refusal.error), refusal.reason, rule_tag(refusal.rule));
  if (refusal.level != 0) {
    absl::StrAppend(&text, "; ", slot_text(refusal), ", entry ", entry_text(refusal.entry));
  }
  if (refusal.frame != pvmmu::kInvalidMfn) {
    absl::StrAppendFormat(&text, "; frame 0x%x", refusal.frame.raw());
    if (refusal.now.in_range) {
      absl::StrAppendFormat(&text, " has type %s%s, type count %u, total count %u",
                            pvmmu::page_type_name(refusal.now.type),
                            refusal.now.pinned ? ", pinned" : "", refusal.now.type_count,
                            refusal.now.total_count);
    }
  }
  if (refusal.has_address) absl::StrAppendFormat(&text, "; linear 0x%x", refusal.address.raw());
  return text;
}

std::string explanation(const RefusalRecord& record) {
  const Refusal& refusal = record.refusal;
  std::string text = absl::StrCat(subject_text(record), operation_text(record), " of vCPU ",
                                  record.vcpu, " ", request_text(record), ". ");
  absl::StrAppendFormat(&text, "Refused with %s: %s. Rule %s: %s.",
                        pvmmu::errno_name(refusal.error), refusal.reason, rule_tag(refusal.rule),
                        pvmmu::kRuleTexts[static_cast<unsigned>(refusal.rule)]);
  const std::string chain = chain_text(record.chain);
  if (!chain.empty()) absl::StrAppend(&text, " Chain: ", chain, ".");
  return absl::StrCat(text, " Instead: ", advice(record), ".");
}

}  // namespace vmm
