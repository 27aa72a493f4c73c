#include "arch/memory.h"

#include "arch/boot.h"
#include "arch/hypercall.h"
#include "arch/pv/p2m.h"
#include "arch/pv/start.h"
#include "arch/x86_64/symbols.h"
#include "panic.h"

namespace kernel {
namespace {

constexpr uint64_t kVirtualBase = 0xffff'ffff'8000'0000;

// The frame behind this page of the image gives its place to the hypervisor's shared_info.
alignas(4096) constinit char shared_info_page[4096] = {};

uint64_t symbol(const char* address) {
  return reinterpret_cast<uint64_t>(address);
}

}  // namespace

void arch_start_memory(const start_info_t& start_info) {
  xen_machphys_mapping_t mapping{};
  if (hypercall_memory_op(XENMEM_machphys_mapping, &mapping) != 0) {
    panic("the hypervisor does not say where the machine-to-physical table is");
  }
  p2m_start(reinterpret_cast<const uint64_t*>(start_info.mfn_list), start_info.nr_pages,
            reinterpret_cast<const uint64_t*>(mapping.v_start), mapping.max_mfn + 1);
}

shared_info_t& shared_info() {
  return *reinterpret_cast<shared_info_t*>(shared_info_page);
}

void map_shared_info(uint64_t maddr) {
  map_shared_info_at(linear_address(shared_info_page), maddr);
}

void* frame_address(pvmmu::Pfn frame) {
  return reinterpret_cast<void*>(kDirectMapBase + (frame.raw() << pvmmu::kPageShift));
}

pvmmu::Pfn frame_from_address(const void* address) {
  const uint64_t offset = reinterpret_cast<uint64_t>(address) - kDirectMapBase;
  const pvmmu::Pfn frame(offset >> pvmmu::kPageShift);
  kernel_assert(frame.raw() < frame_count(), "an address outside the direct map");
  return frame;
}

void* boot_address(pvmmu::Pfn frame) {
  return reinterpret_cast<void*>(kVirtualBase + (frame.raw() << pvmmu::kPageShift));
}

uint64_t boot_linear_address(pvmmu::Pfn frame) {
  return linear_address(boot_address(frame));
}

pvmmu::Pfn pfn_of_boot_linear_address(uint64_t address) {
  return pvmmu::Pfn((address - kVirtualBase) >> pvmmu::kPageShift);
}

pvmmu::Mfn mfn_of_image_address(const void* address) {
  const uint64_t linear = linear_address(address);
  kernel_assert(image_part(linear) != ImagePart::kOutside, "an address outside the image");
  return mfn_from_pfn(pfn_of_boot_linear_address(linear));
}

uint64_t linear_address(const void* object) {
  return reinterpret_cast<uint64_t>(object);
}

uint64_t image_start() {
  return symbol(image_start_symbol);
}
uint64_t image_end() {
  return symbol(image_end_symbol);
}

ImagePart image_part(uint64_t address) {
  if (address < image_start() || address >= image_end()) {
    return ImagePart::kOutside;
  }
  if (address < symbol(constants_start_symbol)) {
    return ImagePart::kCode;
  }
  return address < symbol(data_start_symbol) ? ImagePart::kConstants : ImagePart::kData;
}

}  // namespace kernel
