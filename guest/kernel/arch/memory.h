// Memory by frame: where a frame of the domain can be read and written, and its machine number.
//
// All frames of the domain are in the direct map, for ever. What stands in a page-table page is
// read-only there while the hypervisor has it typed.
#pragma once

#include <stdint.h>

#include "base/frame.h"

namespace kernel {

inline constexpr uint64_t kDirectMapBase = 0xffff'8800'0000'0000;

// Frames of the domain: 0 .. frame_count() - 1.
uint64_t frame_count();

// The 4096 bytes of a frame, in the direct map.
void* frame_address(pvmmu::Pfn frame);
// The frame of an address that frame_address() gave, or that lies in such a page.
pvmmu::Pfn frame_from_address(const void* address);

pvmmu::Mfn mfn_from_pfn(pvmmu::Pfn frame);
// The domain's own frames only: panics for any other.
pvmmu::Pfn pfn_from_mfn(pvmmu::Mfn frame);

// The frame that backs a page of the kernel's own data.
pvmmu::Mfn mfn_of_image_address(const void* address);

// What the hypervisor calls the place of an object or page of the kernel (or its end): the address
// that the kernel's page tables translate. The same number, unless the kernel is simulated.
uint64_t linear_address(const void* object);

}  // namespace kernel
