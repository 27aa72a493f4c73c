// The processor's walk of page tables: permissions of all levels together, Accessed and Dirty set
// in memory as it goes. [SDM 3A 4.6, 4.8]
#pragma once

#include <cstdint>

#include "base/frame.h"
#include "base/linear_addr.h"
#include "machine/machine_memory.h"
#include "sim/tlb.h"

namespace vmm {

// A walk that ended at a page of 4 KiB that CPL3 may use so, or at a page fault.
struct PageWalk {
  bool ok = false;
  uint32_t fault_code = 0;  // when not ok [SDM 3A 4.7]
  Tlb::Translation translation;
  Tlb::Region region;  // meaningful if the walk got to an L1 table
  bool has_region = false;
};

class PageWalker {
 public:
  explicit PageWalker(MachineMemory& memory) : memory_(memory) {}

  // For an access by CPL3. A walk that faults marks nothing.
  PageWalk walk(pvmmu::Mfn root, pvmmu::LinearAddr address, bool write);
  // Whether there is a page whose entry has Accessed set. Marks nothing.
  bool was_accessed(pvmmu::Mfn root, pvmmu::LinearAddr address);
  // The last step alone.
  PageWalk walk_in(const Tlb::Region& region, pvmmu::LinearAddr address, bool write);

 private:
  uint64_t* entry(pvmmu::Mfn table, unsigned index) {
    return reinterpret_cast<uint64_t*>(memory_.frame(table)) + index;
  }

  MachineMemory& memory_;
};

}  // namespace vmm
