// What boot needs of the architecture, in the order of use.
#pragma once

#include <stdint.h>

#include "abi/xen.h"
#include "base/frame.h"
#include "base/linear_addr.h"
#include "percpu.h"

namespace kernel {

// The boot processor gets its Cpu, trap handlers and callbacks; shared_info is mapped.
void arch_start(const start_info_t& start_info, Cpu& cpu);
// The p2m and m2p tables can be used from here on.
void arch_start_memory(const start_info_t& start_info);

shared_info_t& shared_info();

// --- before the direct map exists: the region that the domain builder mapped ---
// Where a frame can be read and written, and the linear address of that place.
void* boot_address(pvmmu::Pfn frame);
uint64_t boot_linear_address(pvmmu::Pfn frame);
pvmmu::Pfn pfn_of_boot_linear_address(uint64_t address);

// --- the kernel's image: what may be written, what may be executed ---
enum class ImagePart : uint8_t { kOutside, kCode, kConstants, kData };
// Of a linear address.
ImagePart image_part(uint64_t address);
// First and one past the last linear address of the image.
uint64_t image_start();
uint64_t image_end();

// --- other processors ---
// Starts processor cpu.id, which runs secondary_start() on its idle thread's stack.
void arch_start_secondary(Cpu& cpu, pvmmu::Mfn root);
extern "C" [[noreturn]] void secondary_start();

extern "C" [[noreturn]] void kernel_start(const start_info_t* start_info);

}  // namespace kernel
