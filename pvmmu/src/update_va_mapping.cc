// HYPERVISOR_update_va_mapping: the L1 entry that maps a linear address now, found by a walk, and a
// flush if asked for. [xen/xen.h: update_va_mapping]
#include "entry_writer.h"
#include "pvmmu/mmu.h"

namespace pvmmu {

int64_t Mmu::update_va_mapping(Call& call, LinearAddr va, uint64_t value, uint64_t flags) {
  Errno error = change_mapping(call, va, value);
  if (error == Errno::kOk) {
    ++call.counters.ops_va_mapping;
    // The entry stays changed if the flush is refused, as in Xen.
    error = flush_for_mapping(call, va, flags);
  }
  tlb_.settle(call.counters);
  if (error == Errno::kOk) return 0;
  call.refusal.address = va;
  call.refusal.has_address = true;
  return return_value(finish_refused(call, "update_va_mapping", error, 0));
}

Errno Mmu::change_mapping(Call& call, LinearAddr va, uint64_t value) {
  const WalkResult walked = memory_.walk(current_root(call), va, Access{});
  if (walked.step_count != 4) {
    return types_.refuse(call, Rule::kAnyInput, Errno::kEINVAL, "no L1 table maps the address");
  }
  const WalkStep& leaf = walked.leaf();
  const PageInfo* page = frames_.find_guest(leaf.table);
  // never: not whole; all tables below a loaded root are.
  if (page == nullptr || page->type != PageType::kL1 || !page->whole()) {
    return types_.refuse(call, Rule::kEntryTarget, Errno::kEINVAL,
                         "the address is not mapped by an L1 table of the domain", leaf.table);
  }
  EntryWriter writer(platform_, types_, tlb_);
  uint64_t old_value = 0;
  return writer.change<PtLevel::kL1>(
      call, leaf.table, leaf.slot,
      [value](uint64_t& entry) {
        entry = value;
        return true;
      },
      old_value);
}

Errno Mmu::flush_for_mapping(Call& call, LinearAddr va, uint64_t flags) {
  const uint64_t type = flags & UVMF_FLUSHTYPE_MASK;
  if (type != UVMF_TLB_FLUSH && type != UVMF_INVLPG) return Errno::kOk;
  VcpuMask vcpus = 0;
  switch (const uint64_t where = flags & ~uint64_t{UVMF_FLUSHTYPE_MASK}) {
    case UVMF_LOCAL:
      vcpus = mask_of(call.vcpu);
      break;
    case UVMF_ALL:
      vcpus = platform_.all_vcpus();
      break;
    default:
      if (!read_vcpu_mask(call, LinearAddr(where), vcpus)) {
        return types_.refuse(call, Rule::kAnyInput, Errno::kEFAULT,
                             "the bitmap of vCPUs cannot be read");
      }
  }
  if (type == UVMF_TLB_FLUSH) {
    tlb_.flush(call.counters, vcpus);
  } else {
    tlb_.flush_address(call.counters, vcpus, va);
  }
  return Errno::kOk;
}

// Bits of vCPUs that do not exist are ignored, as in Xen.
bool Mmu::read_vcpu_mask(Call& call, LinearAddr bitmap, VcpuMask& mask) {
  uint64_t word = 0;
  if (!memory_.copy_from(current_root(call), &word, bitmap, sizeof word)) return false;
  mask = word & platform_.all_vcpus();
  return true;
}

}  // namespace pvmmu
