// Where the VMM writes each vCPU's vcpu_info: in shared_info at first (vCPUs that have no slot
// there: in memory of the VMM's), and where the guest registered it later, once for each vCPU.
//
// Lock: mutex_ orders moves of a vcpu_info against raising events into it; with_info takes it
// around accesses that must not be lost in a move. A leaf lock. The upcall_ functions and set_cr2
// take no lock: a place that was moved away from stays valid memory, and a vCPU's own thread, which
// is the only one to ask, either sees its own move or is told again by the events marked after it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "hypercalls/services.h"
#include "sync/ranked_mutex.h"

namespace vmm {

class VcpuPlaces {
 public:
  // Masks upcalls on every vCPU, as at start of day.
  VcpuPlaces(shared_info_t& shared_info, unsigned vcpu_count, FrameReferences& frames);
  ~VcpuPlaces();
  VcpuPlaces(const VcpuPlaces&) = delete;
  VcpuPlaces& operator=(const VcpuPlaces&) = delete;

  unsigned vcpu_count() const { return static_cast<unsigned>(places_.size()); }

  // VCPUOP_register_vcpu_info, asked for by `caller`: 0 or -errno. Copies the old contents.
  int64_t register_info(VcpuId vcpu, uint64_t mfn, uint32_t offset, VcpuId caller);

  // Calls body(vcpu_info_t&) while the place cannot move. The guest may change its contents at any
  // time: atomic accesses only, see shared_bits.h.
  template <typename Body>
  auto with_info(VcpuId vcpu, Body&& body) {
    std::lock_guard lock(mutex_);
    return std::forward<Body>(body)(info(vcpu));
  }

  bool upcall_due(VcpuId vcpu);  // pending and not masked
  bool upcall_pending(VcpuId vcpu);
  bool upcall_masked(VcpuId vcpu);
  bool exchange_upcall_mask(VcpuId vcpu, bool masked);  // returns whether it was masked
  void set_cr2(VcpuId vcpu, uint64_t address);  // arch.cr2, for page faults that are bounced

 private:
  struct Place {
    std::atomic<vcpu_info_t*> info = nullptr;
    pvmmu::Mfn frame;  // held, if registered
    bool registered = false;
  };

  vcpu_info_t& info(VcpuId vcpu) { return *places_[vcpu_index(vcpu)].info.load(); }

  FrameReferences& frames_;
  RankedMutex<LockRank::kVcpuPlaces> mutex_;
  std::vector<Place> places_;
  std::vector<vcpu_info_t> spare_;  // of vCPUs beyond shared_info's
};

}  // namespace vmm
