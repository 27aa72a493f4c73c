// A machine of a few frames with page tables for one region of 2 MiB.
#pragma once

#include "base/pte.h"
#include "machine/machine_memory.h"

namespace vmm {

class SmallTables {
 public:
  static constexpr uint64_t kFrames = 16;
  static constexpr pvmmu::LinearAddr kBase{0x10000000};
  static constexpr pvmmu::Mfn kRoot{1}, kL3{2}, kL2{3}, kL1{4}, kOtherL1{5};
  static constexpr uint64_t kLink = pvmmu::kPtePresent | pvmmu::kPteWritable | pvmmu::kPteUser;

  SmallTables() : memory_(*MachineMemory::create_unpopulated(kFrames)) {
    entry(kRoot, pvmmu::PtLevel::kL4) = link_to(kL3);
    entry(kL3, pvmmu::PtLevel::kL3) = link_to(kL2);
    entry(kL2, pvmmu::PtLevel::kL2) = link_to(kL1);
  }

  MachineMemory& memory() { return memory_; }
  // The entry of a table on the way to kBase, or to a page behind it.
  uint64_t& entry(pvmmu::Mfn table, pvmmu::PtLevel level, uint64_t page = 0) {
    const pvmmu::LinearAddr address = kBase + page * pvmmu::kPageSize;
    return reinterpret_cast<uint64_t*>(memory_.frame(table))[address.index(level)];
  }
  uint64_t& leaf(uint64_t page) { return entry(kL1, pvmmu::PtLevel::kL1, page); }
  static uint64_t link_to(pvmmu::Mfn frame, uint64_t flags = kLink) {
    return pvmmu::L1Pte(frame, flags).raw();
  }

 private:
  MachineMemory memory_;
};

}  // namespace vmm
