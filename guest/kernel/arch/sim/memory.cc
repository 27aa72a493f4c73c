// The direct map and the boot region are the same bytes of the host: all frames, by pfn. What
// differs is the linear address: objects in the frames are called by their place in the direct map.
#include "arch/memory.h"

#include <initializer_list>

#include "arch/boot.h"
#include "arch/hypercall.h"
#include "arch/pv/p2m.h"
#include "arch/pv/start.h"
#include "arch/sim/entry.h"
#include "panic.h"

namespace kernel {
namespace {

using sim::Window;

constexpr uint64_t kVirtualBase = 0xffff'ffff'8000'0000;

uint64_t frames_bytes() {
  return sim::layout().frame_count << pvmmu::kPageShift;
}

// How far an object lies behind a place, if that is no more than `limit` bytes.
bool offset_in(const void* object, const unsigned char* start, uint64_t limit, uint64_t& offset) {
  offset = reinterpret_cast<uint64_t>(object) - reinterpret_cast<uint64_t>(start);
  return offset <= limit;
}

bool in_window(uint64_t linear, const Window& window) {
  return linear - window.linear < window.byte_count;
}

}  // namespace

void arch_start_memory(const start_info_t& start_info) {
  xen_machphys_mapping_t mapping{};
  if (hypercall_memory_op(XENMEM_machphys_mapping, &mapping) != 0) {
    panic("the hypervisor does not say where the machine-to-physical table is");
  }
  p2m_start(static_cast<const uint64_t*>(sim::host_pointer(start_info.mfn_list)),
            start_info.nr_pages, sim::layout().m2p, mapping.max_mfn + 1);
}

shared_info_t& shared_info() {
  return *reinterpret_cast<shared_info_t*>(sim::layout().shared_info);
}

void map_shared_info(uint64_t maddr) {
  map_shared_info_at(sim::layout().data_start, maddr);
}

void* frame_address(pvmmu::Pfn frame) {
  return sim::layout().frames + (frame.raw() << pvmmu::kPageShift);
}

pvmmu::Pfn frame_from_address(const void* address) {
  uint64_t offset = 0;
  kernel_assert(offset_in(address, sim::layout().frames, frames_bytes() - 1, offset),
                "an address outside the direct map");
  return pvmmu::Pfn(offset >> pvmmu::kPageShift);
}

void* boot_address(pvmmu::Pfn frame) {
  return frame_address(frame);
}

uint64_t boot_linear_address(pvmmu::Pfn frame) {
  return kVirtualBase + (frame.raw() << pvmmu::kPageShift);
}

pvmmu::Pfn pfn_of_boot_linear_address(uint64_t address) {
  return pvmmu::Pfn((address - kVirtualBase) >> pvmmu::kPageShift);
}

pvmmu::Mfn mfn_of_image_address(const void* address) {
  const Window& window = sim::layout().data;
  uint64_t offset = 0;
  kernel_assert(offset_in(address, window.host, window.byte_count - 1, offset),
                "an address outside the kernel's data");
  return window.first + (offset >> pvmmu::kPageShift);
}

uint64_t linear_address(const void* object) {
  const sim::Layout& layout = sim::layout();
  uint64_t offset = 0;
  if (offset_in(object, layout.frames, frames_bytes(), offset)) {
    return kDirectMapBase + offset;
  }
  for (const Window* window : {&layout.data, &layout.stacks}) {
    if (offset_in(object, window->host, window->byte_count, offset)) {
      return window->linear + offset;
    }
  }
  sim::fail("an object has no linear address");
}

void* sim::host_pointer(uint64_t linear) {
  const Layout& layout = *running.layout;
  for (const uint64_t base : {kDirectMapBase, kVirtualBase}) {
    if (linear - base < frames_bytes()) {
      return layout.frames + (linear - base);
    }
  }
  for (const Window* window : {&layout.data, &layout.stacks}) {
    if (in_window(linear, *window)) {
      return window->host + (linear - window->linear);
    }
  }
  return nullptr;
}

uint64_t image_start() {
  return sim::layout().image_start;
}
uint64_t image_end() {
  return sim::layout().image_end;
}

ImagePart image_part(uint64_t address) {
  const sim::Layout& layout = sim::layout();
  if (address < layout.image_start || address >= layout.image_end) {
    return ImagePart::kOutside;
  }
  if (address < layout.constants_start) {
    return ImagePart::kCode;
  }
  return address < layout.data_start ? ImagePart::kConstants : ImagePart::kData;
}

}  // namespace kernel
