// The direct map: all frames of the domain at kDirectMapBase, built once at boot.
//
// The tables are filled with plain stores while they are ordinary memory, made read-only wherever
// they are mapped, and then linked. They stay what they are for ever.
#pragma once

#include <stdint.h>

#include "abi/xen.h"
#include "base/frame.h"

namespace kernel {

// What the domain builder has used, in frames: [0, image) is free, then come the image and the
// start-of-day pages up to `tables_end`, then free frames with the boot module somewhere.
struct BootMemory {
  pvmmu::Pfn image;   // first frame of the kernel's image
  pvmmu::Pfn tables;  // first page table; the root
  uint64_t table_count = 0;
  pvmmu::Pfn used_end;    // behind the page tables and the boot stack
  pvmmu::Pfn mapped_end;  // behind the region that is mapped at the image's addresses
  pvmmu::Pfn module;      // first frame of the boot module
  uint64_t module_pages = 0;
  uint64_t frame_total = 0;

  bool in_module(pvmmu::Pfn frame) const {
    return module <= frame && frame < module + module_pages;
  }
};

BootMemory find_boot_memory(const start_info_t& start_info);

// Returns the first frame behind those that it took: they follow boot.used_end, but for the module.
// Afterwards the boot region maps only what the kernel's image and start of day need, the image's
// code and constants are read-only, and nothing but code can be executed.
pvmmu::Pfn build_direct_map(const BootMemory& boot);

}  // namespace kernel
