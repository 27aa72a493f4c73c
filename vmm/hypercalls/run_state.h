// How long each vCPU ran, waited and was blocked, and the guest's copy of it
// (VCPUOP_register_runstate_memory_area): a virtual address, written through the vCPU's own root
// when it is about to run again. [xen/public/vcpu.h: struct vcpu_runstate_info]
//
// Lock: mutex_ guards the table, a leaf; the guest's copy is written after it was dropped.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "hypercalls/services.h"
#include "sync/ranked_mutex.h"

namespace vmm {

class RunStates {
 public:
  // vCPU 0 starts as running, the others as offline.
  RunStates(unsigned vcpu_count, Clock& clock);

  // state is RUNSTATE_*. Called when the vCPU blocks, wakes, comes up, goes down.
  void change(VcpuId vcpu, int state);
  vcpu_runstate_info_t snapshot(VcpuId vcpu) const;  // up to now

  void register_area(VcpuId vcpu, pvmmu::LinearAddr area);
  // Writes the guest's copy, if one is registered. A fault is the guest's own loss, as in Xen.
  // With announce_update the copy says while it is being written
  // (VMASST_TYPE_runstate_update_flag).
  void publish(VcpuId vcpu, GuestAccess& access, bool announce_update);

 private:
  struct Entry {
    vcpu_runstate_info_t info{};
    std::optional<pvmmu::LinearAddr> area;
  };

  Clock& clock_;
  mutable RankedMutex<LockRank::kRunStates> mutex_;
  std::vector<Entry> entries_;
};

}  // namespace vmm
