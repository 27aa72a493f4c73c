// Spinlocks: what keeps processors out of each other's way.
//
// Not recursive: taking a lock that this processor holds panics. Held with event upcalls masked
// (they are masked everywhere in the kernel), never across a context switch. A processor that waits
// long gives way to others through the hypervisor; with one vCPU no lock is ever contended.
//
// Lock order, outermost first: Mm::lock, the locks of L1 tables, process table, scheduler; then
// leaves that take nothing: pools, frame allocator, console.
#pragma once

#include <stdint.h>

namespace kernel {

class Spinlock {
 public:
  constexpr Spinlock() = default;
  Spinlock(const Spinlock&) = delete;
  Spinlock& operator=(const Spinlock&) = delete;

  void lock();
  bool try_lock();
  // By the processor that holds it.
  void unlock();
  bool held_here() const;
  bool held() const;

 private:
  uint32_t owner_ = 0;  // number of the holder + 1, 0 if free; atomic
};

class SpinlockGuard {
 public:
  explicit SpinlockGuard(Spinlock& lock) : lock_(lock) { lock_.lock(); }
  ~SpinlockGuard() { lock_.unlock(); }
  SpinlockGuard(const SpinlockGuard&) = delete;
  SpinlockGuard& operator=(const SpinlockGuard&) = delete;

 private:
  Spinlock& lock_;
};

}  // namespace kernel
