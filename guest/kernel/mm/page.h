// Frames in the words of the memory manager.
//
// A frame that backs user memory has a reference for each entry that maps it, and one of the
// SharedObject that it belongs to, if any. A frame that holds a table has one reference; its
// `link` and `table_lock` are the tables' code's.
#pragma once

#include <stdint.h>

#include "arch/memory.h"
#include "base/pte.h"
#include "frames.h"

namespace kernel {

// The first root slot behind those of the hypervisor: the kernel half begins here.
inline constexpr unsigned kFirstKernelSlot = 272;

// True if the caller's mapping is the only one: nobody else can come by a new one meanwhile.
inline bool is_sole(const Page& page) {
  return __atomic_load_n(&page.references, __ATOMIC_ACQUIRE) == 1;
}

// The direct map's leaf for a frame. A and D are set beforehand, nobody looks at them.
inline uint64_t direct_map_entry(const Page& page, bool writable) {
  const uint64_t flags = pvmmu::kPtePresent | pvmmu::kPteUser | pvmmu::kPteAccessedDirty |
                         pvmmu::kPteNoExecute | (writable ? pvmmu::kPteWritable : 0);
  return pvmmu::L1Pte(mfn_of(page), flags).raw();
}

}  // namespace kernel
