// Which vCPU goes on. Each one's loop is a fiber of one host thread; it may give way to another
// whenever it is about to enter the guest or has just left it, and when it waits. The choice
// follows from the seed.
//
// Time stands still while a vCPU is looked after, passes at every entry, and jumps to the next
// deadline when all vCPUs wait.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "machine/device_thread.h"
#include "machine/vcpu_thread.h"
#include "sim/fiber.h"
#include "sim/host_pages.h"
#include "sim/random.h"
#include "sim/virtual_time.h"

namespace vmm {

class Scheduler {
 public:
  Scheduler(uint64_t seed, VirtualTime& time) : random_(seed), time_(time) {}

  class Turn;
  // The loop of another vCPU. Outlived by the scheduler.
  absl::StatusOr<std::unique_ptr<Turn>> create_turn();

  // --- by the host thread's own fiber ---
  void drive(const std::function<bool()>& over);

  // --- by a turn ---
  // False: the run is over, and the guest must not be entered.
  bool before_entry(Turn& self);
  // The guest has left, and nobody has looked at why: others may do something first.
  void after_exit(Turn& self) { maybe_give_way(self); }
  // Whether long work shall be interrupted here: by chance, where there is anybody else.
  bool others_wait() { return running_ != nullptr && turns_.size() > 1 && random_.one_in(2); }
  // How many operations of a program until the vCPU leaves the guest for others to have a turn.
  unsigned slice();

 private:
  void register_turn(Turn& turn) { turns_.push_back(&turn); }
  void maybe_give_way(Turn& self) {
    if (turns_.size() > 1 && random_.one_in(2)) give_way(self);
  }
  void give_way(Turn& self);
  void finish(Turn& self);
  void run_to_end(Turn& turn);
  void go_on(Fiber& from, Turn& turn);
  // A turn that can go on, after time has passed if need be; nullptr: none ever will.
  Turn* choose();
  static void begin_turn();

  Random random_;
  VirtualTime& time_;
  Fiber host_;
  std::vector<Turn*> turns_;
  const std::function<bool()>* over_ = nullptr;
  bool stopped_ = false;
  uint64_t entries_ = 0;
  Turn* running_ = nullptr;
};

class Scheduler::Turn final : public VcpuThread {
 public:
  Turn(Scheduler& scheduler, HostPages stack) : scheduler_(scheduler), stack_(std::move(stack)) {}

  void start(std::function<void()> body) override;
  void join() override;
  void wake() override { wake_requested_ = true; }
  bool wake_requested() override { return wake_requested_; }
  void wait(DomainLock& lock, std::optional<uint64_t> deadline) override;
  void yield(DomainLock& lock) override;
  // For a loop that holds no lock: until somebody wakes it; and a place to let others go first.
  void wait_for_wake();
  void pause() { scheduler_.maybe_give_way(*this); }

  // That the vCPU's loop runs on, also to leave it for the guest.
  Fiber& fiber() { return fiber_; }

 private:
  friend class Scheduler;
  bool can_go_on(uint64_t now) const {
    return started_ && !ended_ &&
           (!waiting_ || wake_requested_ || (deadline_ && now >= *deadline_));
  }

  Scheduler& scheduler_;
  HostPages stack_;
  Fiber fiber_;
  std::function<void()> body_;
  bool started_ = false, ended_ = false, waiting_ = false, wake_requested_ = false;
  std::optional<uint64_t> deadline_;  // of the wait
};

// The loop of a device.
class DeviceTurn final : public DeviceThread {
 public:
  explicit DeviceTurn(std::unique_ptr<Scheduler::Turn> turn) : turn_(std::move(turn)) {}
  void start(std::function<void()> body) override { turn_->start(std::move(body)); }
  void join() override { turn_->join(); }
  void wake() override { turn_->wake(); }
  void wait() override { turn_->wait_for_wake(); }
  void pause() override { turn_->pause(); }

 private:
  std::unique_ptr<Scheduler::Turn> turn_;
};

}  // namespace vmm
