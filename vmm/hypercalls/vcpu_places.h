// Where the VMM writes each vCPU's vcpu_info: in shared_info at first, and where the guest
// registered it later (VCPUOP_register_vcpu_info, once for each vCPU).
//
// Lock: mutex_ orders moves of a vcpu_info against raising events into it; take it (with_info)
// around any access that must not be lost in a move. A leaf lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "hypercalls/services.h"

namespace vmm {

class VcpuPlaces {
 public:
  // Masks upcalls on every vCPU, as at start of day.
  VcpuPlaces(shared_info_t& shared_info, unsigned vcpu_count, FrameReferences& frames);
  ~VcpuPlaces();
  VcpuPlaces(const VcpuPlaces&) = delete;
  VcpuPlaces& operator=(const VcpuPlaces&) = delete;

  unsigned vcpu_count() const { return static_cast<unsigned>(places_.size()); }

  // VCPUOP_register_vcpu_info: 0 or -errno. Copies the old contents.
  int64_t register_info(VcpuId vcpu, uint64_t mfn, uint32_t offset);

  // Calls body(vcpu_info_t&) while the place cannot move. The guest may change its contents at any
  // time: atomic accesses only, see shared_bits.h.
  template <typename Body>
  auto with_info(VcpuId vcpu, Body&& body) {
    std::lock_guard lock(mutex_);
    return std::forward<Body>(body)(*places_[vcpu_index(vcpu)].info);
  }

  // The guest's view, for the way back to it: is an upcall due (pending and not masked)?
  bool upcall_due(VcpuId vcpu);
  bool upcall_pending(VcpuId vcpu);
  // Sets or clears evtchn_upcall_mask; returns whether it was set.
  bool exchange_upcall_mask(VcpuId vcpu, bool masked);
  bool upcall_masked(VcpuId vcpu);
  void set_cr2(VcpuId vcpu, uint64_t address);  // arch.cr2, for page faults that are bounced

 private:
  struct Place {
    vcpu_info_t* info = nullptr;
    pvmmu::Mfn frame;  // held, if registered
    bool registered = false;
  };

  FrameReferences& frames_;
  std::mutex mutex_;
  std::vector<Place> places_;
};

}  // namespace vmm
