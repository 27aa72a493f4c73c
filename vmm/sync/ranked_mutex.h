// Mutexes of the VMM and the one order in which they may be taken.
//
// A thread that holds a mutex takes only mutexes of a later rank. This is checked at every lock in
// debug and sanitizer builds (PVMMU_CHECK_LOCKS), and a breach ends the process at once, with both
// ranks named: it is a bug of the VMM, and nothing that a guest does can depend on it.
#pragma once

#include <cstdint>
#include <mutex>

#ifdef PVMMU_CHECK_LOCKS
#include <cstdio>
#include <cstdlib>
#endif

namespace vmm {

// Outermost first.
enum class LockRank : uint8_t {
  kDomain,         // Domain: the MMU, the frame table, all vCPU state, guest pages the VMM writes
  kAccelerator,    // Accelerator: commands and translations of the device
  kConsoleRing,    // ConsoleRing: the order of its bytes
  kEventChannels,  // EventChannels: the table of ports
  kVcpuPlaces,     // VcpuPlaces: where each vcpu_info is
  kRunStates,      // RunStates: the table
  kConsole,        // Domain: one write to the console at a time
  kTimers,         // TimerQueue: the deadlines
  kWake,           // Vcpu: its wake-up request; never two vCPUs' at once
  kEnd,            // Domain: how it ended
  kTrace,          // TraceFile: the bytes of the trace
};

#ifdef PVMMU_CHECK_LOCKS
class HeldLocks {
 public:
  static void take(LockRank rank) {
    const uint32_t bit = uint32_t{1} << static_cast<unsigned>(rank);
    if (held_ >= bit) {
      std::fprintf(stderr, "lock order: rank %u taken while ranks %#x are held\n",
                   static_cast<unsigned>(rank), held_);
      std::abort();
    }
    held_ |= bit;
  }
  static void give_back(LockRank rank) { held_ &= ~(uint32_t{1} << static_cast<unsigned>(rank)); }

  // Where one host thread plays several: what the one that is left holds, for when it goes on.
  HeldLocks() = default;
  void restore() const { held_ = saved_; }
  // One begins.
  static void start() { held_ = 0; }

 private:
  static inline thread_local uint32_t held_ = 0;  // a set of ranks
  const uint32_t saved_ = held_;
};
#else
class HeldLocks {
 public:
  static void take(LockRank) {}
  static void give_back(LockRank) {}
  void restore() const {}
  static void start() {}
};
#endif

// A mutex of that rank. Works with std::lock_guard, std::unique_lock and
// std::condition_variable_any.
template <LockRank kRank, typename Mutex = std::mutex>
class RankedMutex {
 public:
  void lock() {
    HeldLocks::take(kRank);
    mutex_.lock();
  }
  void unlock() {
    mutex_.unlock();
    HeldLocks::give_back(kRank);
  }
  Mutex& inner() { return mutex_; }

 private:
  Mutex mutex_;
};

}  // namespace vmm
