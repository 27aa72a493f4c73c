#include "hypercalls/vcpu_places.h"

#include <algorithm>
#include <cstring>

#include "hypercalls/shared_bits.h"

namespace vmm {

static_assert(sizeof(vcpu_info_t) == 64);

VcpuPlaces::VcpuPlaces(shared_info_t& shared_info, unsigned vcpu_count, FrameReferences& frames)
    : frames_(frames),
      places_(vcpu_count),
      spare_(vcpu_count > XEN_LEGACY_MAX_VCPUS ? vcpu_count - XEN_LEGACY_MAX_VCPUS : 0) {
  for (unsigned vcpu = 0; vcpu < vcpu_count; ++vcpu) {
    vcpu_info_t& info = vcpu < XEN_LEGACY_MAX_VCPUS ? shared_info.vcpu_info[vcpu]
                                                    : spare_[vcpu - XEN_LEGACY_MAX_VCPUS];
    store_shared(info.evtchn_upcall_mask, uint8_t{1});
    places_[vcpu].info = &info;
  }
}

VcpuPlaces::~VcpuPlaces() {
  for (const Place& place : places_) {
    if (place.registered) frames_.put_writable(place.frame);
  }
}

int64_t VcpuPlaces::register_info(VcpuId vcpu, uint64_t mfn, uint32_t offset, VcpuId caller) {
  if (offset > pvmmu::kPageSize - sizeof(vcpu_info_t) || offset % alignof(vcpu_info_t) != 0) {
    return -XEN_EINVAL;
  }
  std::byte* page = frames_.get_writable(pvmmu::Mfn(mfn), caller, "VCPUOP_register_vcpu_info");
  if (page == nullptr) return -XEN_EINVAL;
  auto* moved = reinterpret_cast<vcpu_info_t*>(page + offset);
  {
    std::lock_guard lock(mutex_);
    Place& place = places_[vcpu_index(vcpu)];
    if (!place.registered) {
      std::memcpy(moved, place.info.load(), sizeof(*moved));
      place.info = moved;
      place.frame = pvmmu::Mfn(mfn);
      place.registered = true;
      return 0;
    }
  }
  frames_.put_writable(pvmmu::Mfn(mfn));
  return -XEN_EINVAL;
}

bool VcpuPlaces::upcall_due(VcpuId vcpu) {
  return upcall_pending(vcpu) && !upcall_masked(vcpu);
}

bool VcpuPlaces::upcall_pending(VcpuId vcpu) {
  return load_shared(info(vcpu).evtchn_upcall_pending) != 0;
}

bool VcpuPlaces::upcall_masked(VcpuId vcpu) {
  return load_shared(info(vcpu).evtchn_upcall_mask) != 0;
}

bool VcpuPlaces::exchange_upcall_mask(VcpuId vcpu, bool masked) {
  return exchange_shared(info(vcpu).evtchn_upcall_mask, static_cast<uint8_t>(masked ? 1 : 0)) != 0;
}

void VcpuPlaces::set_cr2(VcpuId vcpu, uint64_t address) {
  store_shared(info(vcpu).arch.cr2, address);
}

}  // namespace vmm
