#include "random_hostile/clock.h"

#include "abi/xen.h"

namespace random_hostile {
namespace {

vcpu_time_info_t start;

uint64_t read_tsc() {
  uint32_t low;
  uint32_t high;
  asm volatile("rdtsc" : "=a"(low), "=d"(high));
  return (uint64_t{high} << 32) | low;
}

}  // namespace

void set_up_clock(const volatile void* shared_info) {
  const auto& time = static_cast<const volatile shared_info_t*>(shared_info)->vcpu_info[0].time;
  start.tsc_timestamp = time.tsc_timestamp;
  start.system_time = time.system_time;
  start.tsc_to_system_mul = time.tsc_to_system_mul;
  start.tsc_shift = time.tsc_shift;
}

uint64_t system_time() {
  uint64_t ticks = read_tsc() - start.tsc_timestamp;
  ticks = start.tsc_shift >= 0 ? ticks << start.tsc_shift : ticks >> -start.tsc_shift;
  const auto product = static_cast<unsigned __int128>(ticks) * start.tsc_to_system_mul;
  return start.system_time + static_cast<uint64_t>(product >> 32);
}

}  // namespace random_hostile
