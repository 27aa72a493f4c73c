// Frames of descriptor tables, and single descriptors. [xen/xen.h: set_gdt, update_descriptor]
#include "descriptor.h"
#include "pvmmu/mmu.h"

namespace pvmmu {

int64_t Mmu::get_descriptor_table(Call& call, Mfn frame) {
  const Errno error = types_.get_page_and_type(call, frame, PageType::kSegDesc);
  if (error != Errno::kOk) return return_value(finish_refused(call, "set_gdt", error, 0));
  ++frames_.at(frame).external_count;
  return 0;
}

void Mmu::put_descriptor_table(Mfn frame) {
  --frames_.at(frame).external_count;
  types_.put_page_and_type(own_counters_, frame);
}

int64_t Mmu::update_descriptor(Call& call, Maddr place, uint64_t descriptor) {
  const Mfn frame = place.frame();
  const PageInfo* page = frames_.find_guest(frame);
  Errno error = Errno::kOk;
  if (place.raw() % sizeof descriptor != 0) {
    error = types_.refuse(call, Rule::kAnyInput, Errno::kEINVAL, "the place is not aligned");
  } else if (!adjust_descriptor(descriptor)) {
    error =
        types_.refuse(call, Rule::kEntryBits, Errno::kEINVAL, "a descriptor not allowed", frame);
  } else {
    const bool in_use = page != nullptr && page->type == PageType::kSegDesc;
    error =
        types_.get_page_and_type(call, frame, in_use ? PageType::kSegDesc : PageType::kWritable);
  }
  if (error != Errno::kOk) return return_value(finish_refused(call, "update_descriptor", error, 0));
  platform_.write_bytes(place, &descriptor, sizeof descriptor);
  types_.put_page_and_type(call.counters, frame);
  return 0;
}

}  // namespace pvmmu
