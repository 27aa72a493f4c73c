#include "spinlock.h"

#include "arch/cpu.h"
#include "panic.h"
#include "yield_point.h"

namespace kernel {

bool Spinlock::try_lock() {
  uint32_t expected = 0;
  return __atomic_compare_exchange_n(&owner_, &expected, current_cpu() + 1, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED);
}

void Spinlock::lock() {
  if (held_here()) {
    panic("processor %u waits for a lock that it holds", current_cpu());
  }
  yield_point(YieldPoint::lock, this);
  for (unsigned round = 0; !try_lock(); ++round) {
    spin_wait(round);
  }
}

void Spinlock::unlock() {
  if (!held_here()) {
    panic("processor %u releases a lock that it does not hold", current_cpu());
  }
  __atomic_store_n(&owner_, 0, __ATOMIC_RELEASE);
  yield_point(YieldPoint::unlock, this);
}

bool Spinlock::held_here() const {
  return __atomic_load_n(&owner_, __ATOMIC_RELAXED) == current_cpu() + 1;
}

bool Spinlock::held() const {
  return __atomic_load_n(&owner_, __ATOMIC_RELAXED) != 0;
}

}  // namespace kernel
