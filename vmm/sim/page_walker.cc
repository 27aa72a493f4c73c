#include "sim/page_walker.h"

#include "base/level.h"
#include "base/pte.h"
#include "pvmmu/walk.h"

namespace vmm {
namespace {

using pvmmu::LinearAddr;
using pvmmu::Mfn;
using pvmmu::PtLevel;

PageWalk faulted(bool write, bool present) {
  PageWalk result;
  result.fault_code =
      pvmmu::kFaultUser | (write ? pvmmu::kFaultWrite : 0) | (present ? pvmmu::kFaultPresent : 0);
  return result;
}

Mfn frame_of(uint64_t entry) {
  return pvmmu::L1Pte(entry).frame();
}

}  // namespace

PageWalk PageWalker::walk(Mfn root, LinearAddr address, bool write) {
  if (!address.canonical()) return faulted(write, false);
  Tlb::Region region{root, true};
  uint64_t* uppers[3];
  unsigned count = 0;
  for (const PtLevel level : {PtLevel::kL4, PtLevel::kL3, PtLevel::kL2}) {
    uint64_t* upper = entry(region.l1_table, address.index(level));
    if ((*upper & pvmmu::kPtePresent) == 0) return faulted(write, false);
    // Large pages are the hypervisor's own.
    if ((*upper & pvmmu::kPteUser) == 0 ||
        (level != PtLevel::kL4 && (*upper & pvmmu::kPtePageSize) != 0)) {
      return faulted(write, true);
    }
    region.writable = region.writable && (*upper & pvmmu::kPteWritable) != 0;
    region.l1_table = frame_of(*upper);
    uppers[count++] = upper;
  }
  PageWalk result = walk_in(region, address, write);
  result.region = region;
  result.has_region = true;
  if (result.ok) {
    for (uint64_t* upper : uppers) {
      if ((*upper & pvmmu::kPteAccessed) == 0) *upper |= pvmmu::kPteAccessed;
    }
  }
  return result;
}

bool PageWalker::was_accessed(Mfn root, LinearAddr address) {
  if (!address.canonical()) return false;
  Mfn table = root;
  for (const PtLevel level : {PtLevel::kL4, PtLevel::kL3, PtLevel::kL2}) {
    const uint64_t upper = *entry(table, address.index(level));
    if ((upper & pvmmu::kPtePresent) == 0 || (upper & pvmmu::kPtePageSize) != 0) return false;
    table = frame_of(upper);
  }
  constexpr uint64_t kNeeded = pvmmu::kPtePresent | pvmmu::kPteAccessed;
  return (*entry(table, address.index(PtLevel::kL1)) & kNeeded) == kNeeded;
}

PageWalk PageWalker::walk_in(const Tlb::Region& region, LinearAddr address, bool write) {
  uint64_t* leaf = entry(region.l1_table, address.index(PtLevel::kL1));
  if ((*leaf & pvmmu::kPtePresent) == 0) return faulted(write, false);
  const bool writable = region.writable && (*leaf & pvmmu::kPteWritable) != 0;
  if ((*leaf & pvmmu::kPteUser) == 0 || (write && !writable)) return faulted(write, true);
  const uint64_t marks = pvmmu::kPteAccessed | (write ? pvmmu::kPteDirty : 0);
  if ((*leaf & marks) != marks) *leaf |= marks;
  PageWalk result;
  result.ok = true;
  result.translation = {frame_of(*leaf), writable, (*leaf & pvmmu::kPteDirty) != 0};
  return result;
}

}  // namespace vmm
