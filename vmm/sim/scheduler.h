// Which vCPU goes on. Each one's loop is a fiber of one host thread; it may give way to another
// whenever it is about to enter the guest or has just left it, and when it waits. The choice
// follows from the seed.
//
// With a policy it says who goes on, and there are more points: what the guest kernel calls one
// (guest/kernel/yield_point.h), each access of a program, and the hypervisor's work on tables,
// which others see half done as far as they need no lock of it.
//
// Time stands still while a vCPU is looked after, passes at every entry, and jumps to the next
// deadline when all vCPUs wait.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "machine/device_thread.h"
#include "machine/engine.h"
#include "machine/vcpu_thread.h"
#include "sim/fiber.h"
#include "sim/host_pages.h"
#include "sim/random.h"
#include "sim/schedule_policy.h"
#include "sim/virtual_time.h"

namespace vmm {

class Scheduler final : public LockWaiter, public WorkPoints {
 public:
  Scheduler(uint64_t seed, VirtualTime& time, SchedulePolicy* policy = nullptr)
      : random_(seed), time_(time), policy_(policy) {}

  class Turn;
  // The loop of another vCPU. Outlived by the scheduler.
  absl::StatusOr<std::unique_ptr<Turn>> create_turn();

  // --- by the host thread's own fiber ---
  void drive(const std::function<bool()>& over);

  // --- by a turn ---
  // False: the run is over, and the guest must not be entered.
  bool before_entry(Turn& self);
  // The guest has left, and nobody has looked at why: others may do something first.
  // `relaxes`: because it waits for others.
  void after_exit(Turn& self, bool relaxes = false);
  // Whether long work shall be interrupted here: by chance, where there is anybody else, or because
  // the policy says so; then somebody else goes on at the next yield().
  bool others_wait();
  // With a policy: how many steps of long work between two such questions, after so many steps.
  static uint32_t steps_between_points(uint64_t steps);
  // Inside the guest, on the fiber of its thread, which may be left for others here.
  void at_point(Turn& self, Fiber& from, const SchedulePoint& point);
  bool explored() const { return policy_ != nullptr && policy_->active(); }
  bool stopped() const { return stopped_; }
  // LockWaiter: a turn wants the domain's lock, which one has that was left at a WorkPoint.
  void wait_until_free(const FairMutex& lock) override;
  // WorkPoints: with the domain's lock held.
  void at(WorkPoint point) override;
  // How many operations of a program until the vCPU leaves the guest for others to have a turn.
  unsigned slice();

 private:
  void register_turn(Turn& turn) { turns_.push_back(&turn); }
  void give_way_by_chance(Turn& self) {
    if (turns_.size() > 1 && random_.one_in(2)) give_way(self, {PointKind::enter});
  }
  void give_way(Turn& self, const SchedulePoint& point);
  void leave_for(Turn& self, Fiber& from, Turn* next);
  void finish(Turn& self);
  void run_to_end(Turn& turn);
  void go_on(Fiber& from, Turn& turn);
  // A turn that can go on, after time has passed if need be; nullptr: none ever will.
  Turn* choose(const SchedulePoint& point);
  Turn* choose_of(uint32_t able, const SchedulePoint& point);
  unsigned number_of(const Turn& turn) const;
  static void begin_turn();

  Random random_;
  VirtualTime& time_;
  SchedulePolicy* const policy_;
  Turn* chosen_ = nullptr;   // for the next yield()
  Turn* working_ = nullptr;  // left in the middle of work, with the domain's lock
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
  void pause(DeviceStep step);

  // That the vCPU's loop runs on, also to leave it for the guest.
  Fiber& fiber() { return fiber_; }

 private:
  friend class Scheduler;
  bool can_go_on(uint64_t now) const {
    if (wants_lock_ && scheduler_.working_ != nullptr) return false;
    return started_ && !ended_ &&
           (!waiting_ || wake_requested_ || (deadline_ && now >= *deadline_));
  }

  Scheduler& scheduler_;
  HostPages stack_;
  Fiber fiber_;
  Fiber* left_ = &fiber_;  // where it goes on: its own, or that of a thread of the guest
  std::function<void()> body_;
  bool started_ = false, ended_ = false, waiting_ = false, wake_requested_ = false;
  bool wants_lock_ = false;           // the domain's
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
  void pause(DeviceStep step) override { turn_->pause(step); }

 private:
  std::unique_ptr<Scheduler::Turn> turn_;
};

}  // namespace vmm
