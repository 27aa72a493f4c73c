#include "arch/sim/device_oracle.h"

#include "accelerator/contexts.h"
#include "base/linear_addr.h"
#include "mm/pv/tables.h"
#include "mm/pv/user_pte.h"

namespace kernel::sim {
namespace {

UserPte entry_at(const Mm& mm, uint64_t address) {
  const Page* table = find_l1_table(mm, address);
  return table == nullptr
             ? UserPte()
             : UserPte(entries_of(*table)[pvmmu::LinearAddr(address).index(pvmmu::PtLevel::kL1)]);
}

}  // namespace

const char* objection_to_device(uint64_t context, uint64_t address, pvmmu::Mfn frame, bool write) {
  if (__atomic_load_n(&page_of(frame).references, __ATOMIC_RELAXED) == 0) {
    return "the frame is free";
  }
  const Mm* mm = context_mm(context);
  // While somebody changes the address space, or it goes, the device may not have been told yet.
  if (mm == nullptr || mm->lock.held()) {
    return nullptr;
  }
  const UserPte entry = entry_at(*mm, address);
  if (!entry.present() || entry.frame() != frame) {
    return "the page table has no such entry any more";
  }
  if (write && !entry.writable()) {
    return "the page table's entry must not be written";
  }
  return write && !entry.dirty() ? "the page table's entry is clean" : nullptr;
}

}  // namespace kernel::sim
