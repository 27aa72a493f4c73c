// Time as Xen shows it to PV guests: vcpu_info.time (system time as a function of the TSC) and the
// wall clock in shared_info. Written with Xen's version protocol: odd while being changed.
// [xen/public/xen.h: struct vcpu_time_info]
#pragma once

#include "hypercalls/services.h"
#include "hypercalls/vcpu_places.h"

namespace vmm {

class PvClock {
 public:
  PvClock(shared_info_t& shared_info, VcpuPlaces& places, Clock& clock);

  void update(
      VcpuId vcpu);  // vcpu_info.time as of now; at start, after a move, and when the TSC jumped
  void update_wall_clock();

 private:
  shared_info_t& shared_info_;
  VcpuPlaces& places_;
  Clock& clock_;
};

}  // namespace vmm
