// System time that passes by what the vCPUs do, and the timers that go by it.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "machine/engine.h"

namespace vmm {

class VirtualTime final : public Clock, public TimerService {
 public:
  void start(unsigned vcpu_count, std::function<void(VcpuId)> expired);

  uint64_t now() override { return now_; }
  // One tick a nanosecond.
  ClockReading reading(VcpuId) override { return {now_, now_}; }
  uint64_t tsc_hz() override { return 1'000'000'000; }
  // The same day every time.
  uint64_t wall_nanoseconds_at_boot() override { return 1'000'000'000'000'000'000; }

  void set_timer(VcpuId vcpu, uint64_t deadline) override;
  void stop_timer(VcpuId vcpu) override;
  bool any_armed() override { return next_deadline().has_value(); }
  void stop() override;

  // Time passes; timers that are due then fire.
  void advance(uint64_t nanoseconds) {
    now_ += nanoseconds;
    if (now_ >= earliest_) fire_due();
  }
  std::optional<uint64_t> next_deadline() const;

 private:
  void fire_due();
  void find_earliest();

  uint64_t now_ = 0;
  uint64_t earliest_ = UINT64_MAX;
  std::vector<std::optional<uint64_t>> deadlines_;
  std::function<void(VcpuId)> expired_;
};

}  // namespace vmm
