// A vCPU's loop on a thread of the host.
#pragma once

#include <condition_variable>
#include <thread>

#include "hypercalls/services.h"
#include "machine/vcpu_thread.h"
#include "sync/ranked_mutex.h"

namespace vmm {

class HostThread final : public VcpuThread {
 public:
  explicit HostThread(Clock& clock) : clock_(clock) {}
  ~HostThread() override;
  void start(std::function<void()> body) override;
  void join() override;
  void wake() override;
  bool wake_requested() override;
  void wait(DomainLock& lock, std::optional<uint64_t> deadline) override;
  void yield(DomainLock& lock) override;

 private:
  Clock& clock_;
  std::condition_variable_any woken_;
  RankedMutex<LockRank::kWake> mutex_;
  bool wake_requested_ = false;
  std::thread thread_;
};

}  // namespace vmm
