#include "explain/refusal_record.h"

#include <string_view>

#include "absl/strings/str_format.h"
#include "base/pte.h"

namespace vmm {
namespace {

using pvmmu::Mfn;
using pvmmu::PageType;
using pvmmu::Refusal;

std::string_view operation(const RefusalRecord& record) {
  return record.refusal.operation;
}

// The frame is as the refusal saw it if validation had given it a type that it has lost since. Else
// the counts of now are better: those of the refusal include a reference of the request's own.
void keep_refused_state(const pvmmu::FrameSnapshot& then, FrameState& state) {
  if (!then.in_range || then.type == state.type) return;
  state = snapshot_state(then);
  state.in_progress = !then.validated && then.type != PageType::kWritable;
}

bool is_domains(const RefusalRecord& record) {
  return record.frame_exists && record.frame_now().owner != pvmmu::FrameOwner::kHypervisor;
}

}  // namespace

FrameState snapshot_state(const pvmmu::FrameSnapshot& then) {
  FrameState state;
  state.owner = then.owner;
  state.type = then.type;
  state.whole = then.validated;
  state.pinned = then.pinned;
  state.type_count = then.type_count;
  state.total_count = then.total_count;
  state.same_level_count = then.linear_count;
  return state;
}

RefusalRecord make_refusal_record(const FrameSource& frames, unsigned vcpu, const Refusal& refusal,
                                  const AskedFor& asked) {
  RefusalRecord record;
  record.vcpu = vcpu;
  record.refusal = refusal;
  record.asked = asked;
  record.frame_count = frames.frame_count();
  record.frame = refusal.frame;
  // A frame number of all ones is one that a guest may name, too.
  if (record.frame == pvmmu::kInvalidMfn && asked.frame && !frames.contains(*asked.frame)) {
    record.frame = *asked.frame;
  }
  record.frame_exists = frames.contains(record.frame);
  if (record.frame_exists) {
    record.chain = find_chain(frames, record.frame);
    keep_refused_state(refusal.now, record.chain.links.front().state);
  }
  if (refusal.has_address) {
    record.address = refusal.address;
  } else if (refusal.level != 0) {
    record.address = address_of_entry(frames, refusal.table, refusal.slot);
  }
  if (!is_domains(record))
    record.frame_of_page = frames.frame_of_page(pvmmu::Pfn(record.frame.raw()));
  return record;
}

std::string operation_text(const RefusalRecord& record) {
  const std::string_view name = operation(record);
  const bool array =
      name == "mmu_update" || name.starts_with("MMUEXT_") || name.starts_with("mmuext_op");
  if (!array) return std::string(name);
  return absl::StrFormat("%s request %u", name, record.refusal.request);
}

bool asks_for_vmm_page(const RefusalRecord& record) {
  const std::string_view name = operation(record);
  return name == "VCPUOP_register_vcpu_info" || name == "pvmmu_op" || name == "console";
}

PageType wanted_type(const RefusalRecord& record) {
  const Refusal& refusal = record.refusal;
  const std::string_view name = operation(record);
  if (refusal.level > 1) {
    return pvmmu::table_type(pvmmu::level_below(static_cast<pvmmu::PtLevel>(refusal.level)));
  }
  if (refusal.level == 1) {
    return (refusal.entry & pvmmu::kPteWritable) != 0 ? PageType::kWritable : PageType::kNone;
  }
  constexpr std::string_view kPin = "MMUEXT_PIN_L";
  if (name.starts_with(kPin)) {
    return pvmmu::table_type(static_cast<pvmmu::PtLevel>(name[kPin.size()] - '0'));
  }
  if (name.ends_with("_BASEPTR") || name == "set_initial_base_pointer") return PageType::kL4;
  if (name == "set_gdt") return PageType::kSegDesc;
  if (name == "mmu_update" || name == "update_descriptor" || name.ends_with("_PAGE") ||
      asks_for_vmm_page(record)) {
    return PageType::kWritable;
  }
  return PageType::kNone;
}

bool found_in_validation(const RefusalRecord& record) {
  if (record.refusal.level == 0) return false;
  const std::string_view name = operation(record);
  if (name == "mmu_update") {
    return record.asked.place && record.asked.place->frame() != record.refusal.table;
  }
  return name != "update_va_mapping" && name != "emulated write";
}

}  // namespace vmm
