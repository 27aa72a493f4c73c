#include "boot/boot_tables.h"

#include "arch/boot.h"
#include "arch/hypercall.h"
#include "arch/memory.h"
#include "base/pte.h"
#include "panic.h"

namespace kernel {

using pvmmu::PtLevel;

pvmmu::Maddr BootTables::leaf_place(pvmmu::LinearAddr address) const {
  pvmmu::Pfn table = root_;
  for (PtLevel level = PtLevel::kL4; level != PtLevel::kL1; level = pvmmu::level_below(level)) {
    const auto* entries = static_cast<const uint64_t*>(boot_address(table));
    const uint64_t entry = entries[address.index(level)];
    if ((entry & pvmmu::kPtePresent) == 0) {
      return pvmmu::Maddr(0);
    }
    table = pfn_from_mfn(pvmmu::L1Pte(entry).frame());
  }
  return pvmmu::Maddr(mfn_from_pfn(table), address.index(PtLevel::kL1) * sizeof(uint64_t));
}

uint64_t BootTables::leaf(pvmmu::LinearAddr address) const {
  const pvmmu::Maddr place = leaf_place(address);
  if (place.raw() == 0) {
    return 0;
  }
  const auto* page = static_cast<const char*>(boot_address(pfn_from_mfn(place.frame())));
  return *reinterpret_cast<const uint64_t*>(page + place.offset());
}

void EntryWriter::set(pvmmu::Maddr entry, uint64_t value) {
  if (count_ == kCapacity) {
    flush();
  }
  requests_[count_++] = {entry.raw() | MMU_NORMAL_PT_UPDATE, value};
}

void EntryWriter::flush() {
  if (count_ == 0) {
    return;
  }
  const int64_t result = hypercall_mmu_update(requests_, count_);
  if (result != 0) {
    panic("%u entries from %lx on are refused at boot: error %ld", count_, requests_[0].ptr,
          -result);
  }
  count_ = 0;
}

}  // namespace kernel
