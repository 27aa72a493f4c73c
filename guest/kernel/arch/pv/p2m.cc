#include "arch/pv/p2m.h"

#include "arch/memory.h"
#include "panic.h"

namespace kernel {
namespace {

constinit const uint64_t* p2m = nullptr;
constinit const uint64_t* m2p = nullptr;
constinit uint64_t p2m_size = 0;
constinit uint64_t m2p_size = 0;

}  // namespace

void p2m_start(const uint64_t* list, uint64_t frame_count, const uint64_t* machine_list,
               uint64_t machine_frame_count) {
  p2m = list;
  p2m_size = frame_count;
  m2p = machine_list;
  m2p_size = machine_frame_count;
}

uint64_t frame_count() {
  return p2m_size;
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

}  // namespace kernel
