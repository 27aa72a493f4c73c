#include "arch/memory.h"

#include "arch/boot.h"
#include "arch/hypercall.h"
#include "arch/x86_64/symbols.h"
#include "panic.h"

namespace kernel {
namespace {

constexpr uint64_t kVirtualBase = 0xffff'ffff'8000'0000;

constinit const uint64_t* p2m = nullptr;
constinit const uint64_t* m2p = nullptr;
constinit uint64_t p2m_size = 0;
constinit uint64_t m2p_size = 0;

uint64_t symbol(const char* address) {
  return reinterpret_cast<uint64_t>(address);
}

}  // namespace

void arch_start_memory(const start_info_t& start_info) {
  p2m = reinterpret_cast<const uint64_t*>(start_info.mfn_list);
  p2m_size = start_info.nr_pages;
  xen_machphys_mapping_t mapping{};
  if (hypercall_memory_op(XENMEM_machphys_mapping, &mapping) != 0) {
    panic("the hypervisor does not say where the machine-to-physical table is");
  }
  m2p = reinterpret_cast<const uint64_t*>(mapping.v_start);
  m2p_size = mapping.max_mfn + 1;
}

uint64_t frame_count() {
  return p2m_size;
}

void* frame_address(pvmmu::Pfn frame) {
  return reinterpret_cast<void*>(kDirectMapBase + (frame.raw() << pvmmu::kPageShift));
}

pvmmu::Pfn frame_from_address(const void* address) {
  const uint64_t offset = reinterpret_cast<uint64_t>(address) - kDirectMapBase;
  const pvmmu::Pfn frame(offset >> pvmmu::kPageShift);
  kernel_assert(frame.raw() < p2m_size, "an address outside the direct map");
  return frame;
}

pvmmu::Mfn mfn_from_pfn(pvmmu::Pfn frame) {
  kernel_assert(frame.raw() < p2m_size, "a frame number outside the domain");
  return pvmmu::Mfn(p2m[frame.raw()]);
}

pvmmu::Pfn pfn_from_mfn(pvmmu::Mfn frame) {
  kernel_assert(frame.raw() < m2p_size, "a machine frame outside the machine");
  const uint64_t number = m2p[frame.raw()];
  kernel_assert(number < p2m_size && p2m[number] == frame.raw(),
                "a machine frame of somebody else");
  return pvmmu::Pfn(number);
}

void* boot_address(pvmmu::Pfn frame) {
  return reinterpret_cast<void*>(kVirtualBase + (frame.raw() << pvmmu::kPageShift));
}

pvmmu::Pfn pfn_of_boot_address(const void* address) {
  return pvmmu::Pfn((reinterpret_cast<uint64_t>(address) - kVirtualBase) >> pvmmu::kPageShift);
}

pvmmu::Pfn pfn_of_image_address(const void* address) {
  kernel_assert(image_part(reinterpret_cast<uint64_t>(address)) != ImagePart::kOutside,
                "an address outside the image");
  return pfn_of_boot_address(address);
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
