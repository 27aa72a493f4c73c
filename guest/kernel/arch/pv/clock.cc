// [xen/public/xen.h: struct vcpu_time_info]
#include "sched/clock.h"

#include "arch/cpu.h"

namespace kernel {
namespace {

uint64_t nanoseconds(uint64_t ticks, const vcpu_time_info_t& time) {
  ticks = time.tsc_shift >= 0 ? ticks << time.tsc_shift : ticks >> -time.tsc_shift;
  return static_cast<uint64_t>((static_cast<unsigned __int128>(ticks) * time.tsc_to_system_mul) >>
                               32);
}

}  // namespace

uint64_t system_time(const Cpu& cpu) {
  const volatile vcpu_time_info_t& live = cpu.vcpu_info->time;
  for (;;) {
    vcpu_time_info_t time;
    const uint32_t version = live.version;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    time.tsc_timestamp = live.tsc_timestamp;
    time.system_time = live.system_time;
    time.tsc_to_system_mul = live.tsc_to_system_mul;
    time.tsc_shift = live.tsc_shift;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    // Odd: an update is under way.
    if ((version & 1) == 0 && version == live.version) {
      return time.system_time + nanoseconds(read_tsc() - time.tsc_timestamp, time);
    }
  }
}

}  // namespace kernel
