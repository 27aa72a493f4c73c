// The domain of the built-in guest in this process: no /dev/kvm, one host thread, time that passes
// by what happens (docs/sim-engine.md).
#pragma once

#include <memory>

#include "machine/engine.h"
#include "sim/scheduler.h"
#include "sim/sim_machine.h"
#include "sim/sim_options.h"
#include "sim/virtual_time.h"

namespace vmm {

class SimEngine final : public Engine {
 public:
  // FailedPrecondition: this process had one before; the guest kernel's state is the process's.
  static absl::StatusOr<std::unique_ptr<SimEngine>> create(const SimOptions& options);

  uint64_t extra_monitor_frames() const override { return SimMachine::window_tables(); }
  absl::StatusOr<MachineMemory> create_memory(uint64_t frame_count) override;
  absl::Status extend_space(MachineMemory& memory, MonitorSpace& monitor) override;
  void place_domain(MachineMemory& memory, std::span<const pvmmu::Mfn> p2m) override;
  absl::StatusOr<std::unique_ptr<Processor>> create_processor(unsigned id,
                                                              MonitorSpace& monitor) override;
  absl::Status start_time(unsigned vcpu_count, std::function<void(VcpuId)> expired) override;
  absl::Status prepare(const BuiltDomain& domain) override;
  std::unique_ptr<VcpuThread> create_thread(unsigned id) override;
  absl::StatusOr<std::unique_ptr<DeviceThread>> create_device_thread() override;
  Clock& clock() override { return time_; }
  TimerService& timers() override { return time_; }
  bool others_wait(DomainMutex&) override { return scheduler_.others_wait(); }
  uint32_t steps_between_looks(uint64_t steps) const override {
    return scheduler_.explored() ? Scheduler::steps_between_points(steps)
                                 : Engine::steps_between_looks(steps);
  }
  LockWaiter* lock_waiter() override { return options_.policy ? &scheduler_ : nullptr; }
  WorkPoints* work_points() override { return options_.policy ? &scheduler_ : nullptr; }
  void let_others_in(unsigned vcpu, DomainMutex& lock) override;
  bool watches_accelerator() const override { return true; }
  std::string objection_to(const DeviceAccess& access) override;
  void drive(const std::function<bool()>& over) override { scheduler_.drive(over); }

 private:
  explicit SimEngine(const SimOptions& options)
      : options_(options), scheduler_(options.seed, time_, options.policy) {}

  const SimOptions options_;
  VirtualTime time_;
  Scheduler scheduler_;
  std::unique_ptr<SimMachine> machine_;
  MachineMemory* memory_ = nullptr;                          // the domain's
  std::span<const pvmmu::PageInfo> frames_;                  // the MMU's table
  std::vector<SimProcessor*> processors_;                    // the domain's
  std::vector<std::unique_ptr<Scheduler::Turn>> new_turns_;  // until the vCPUs take them
  std::vector<Scheduler::Turn*> turns_;                      // the vCPUs'
};

}  // namespace vmm
