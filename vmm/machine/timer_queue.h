// One deadline for each vCPU, served by one thread that exists only once a guest asks for a timer.
//
// Lock: mutex_, a leaf; `expired` is called without it, on the timer thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "machine/engine.h"
#include "sync/ranked_mutex.h"

namespace vmm {

class TimerQueue final : public TimerService {
 public:
  TimerQueue(unsigned vcpu_count, Clock& clock, std::function<void(VcpuId)> expired);
  ~TimerQueue() override;
  void set_timer(VcpuId vcpu, uint64_t deadline) override;
  void stop_timer(VcpuId vcpu) override;
  // Ends the thread.
  void stop() override;
  bool any_armed() override;

 private:
  void serve();
  std::optional<unsigned> earliest() const;

  Clock& clock_;
  std::function<void(VcpuId)> expired_;
  RankedMutex<LockRank::kTimers> mutex_;
  std::condition_variable_any changed_;
  std::vector<std::optional<uint64_t>> deadlines_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace vmm
