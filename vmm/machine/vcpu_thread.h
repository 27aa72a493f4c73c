// What the loop of a vCPU runs on: a host thread of its own, or a turn of the simulator's.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "machine/domain_mutex.h"

namespace vmm {

class VcpuThread {
 public:
  virtual ~VcpuThread() = default;
  // Once. The body may begin before this returns, or only when the engine is driven.
  virtual void start(std::function<void()> body) = 0;
  // Returns when the body has; at once if it was never started.
  virtual void join() = 0;
  // Any thread: ends the body's wait, or the next one.
  virtual void wake() = 0;
  virtual bool wake_requested() = 0;

  // --- by the body, which holds `lock`; it is free meanwhile ---
  // Until somebody wakes it or the system time is `deadline`, or earlier for no reason.
  virtual void wait(DomainLock& lock, std::optional<uint64_t> deadline) = 0;
  // Lets other vCPUs run.
  virtual void yield(DomainLock& lock) = 0;
};

}  // namespace vmm
