// The walk of a guest's tables, as a processor would do it.
#pragma once

#include <stdint.h>

#include "base/frame.h"
#include "base/level.h"
#include "base/linear_addr.h"

namespace pvmmu {

// How the address is to be used. Guest kernels run at CPL3, so every guest access is a user access.
struct Access {
  bool write = false;
  bool fetch = false;
  bool user = true;
};

// Bits of a page fault's error code. [SDM 3A 4.7]
inline constexpr uint32_t kFaultPresent = 1u << 0;
inline constexpr uint32_t kFaultWrite = 1u << 1;
inline constexpr uint32_t kFaultUser = 1u << 2;
inline constexpr uint32_t kFaultReserved = 1u << 3;
inline constexpr uint32_t kFaultFetch = 1u << 4;

// One entry that the walk read.
struct WalkStep {
  Mfn table;
  unsigned slot = 0;
  uint64_t entry = 0;
};

struct WalkResult {
  bool ok = false;             // the access is permitted
  bool mapped = false;         // a leaf was reached: the fields below it are meaningful
  bool non_canonical = false;  // the address is, so there is no walk and no fault code
  uint32_t fault_code = 0;     // when not ok
  unsigned step_count = 0;     // entries read; steps[0] is in the L4 table
  WalkStep steps[4];
  PtLevel leaf_level = PtLevel::kL1;  // above L1 only in the hypervisor's own slots
  Maddr address;                      // what the linear address maps to
  bool writable = false;              // permissions of all levels together
  bool user = false;
  bool executable = false;

  const WalkStep& leaf() const { return steps[step_count - 1]; }
};

}  // namespace pvmmu
