// A domain on /dev/kvm: each vCPU is one of KVM's and has a host thread.
#pragma once

#include <memory>

#include "kvm/kvm_vm.h"
#include "machine/engine.h"
#include "machine/host_clock.h"
#include "machine/kvm_processor.h"
#include "machine/timer_queue.h"

namespace vmm {

class KvmEngine final : public Engine {
 public:
  static absl::StatusOr<std::unique_ptr<KvmEngine>> create();

  absl::StatusOr<MachineMemory> create_memory(uint64_t frame_count) override;
  absl::StatusOr<std::unique_ptr<Processor>> create_processor(unsigned id,
                                                              MonitorSpace& monitor) override;
  absl::Status start_time(unsigned vcpu_count, std::function<void(VcpuId)> expired) override;
  std::unique_ptr<VcpuThread> create_thread(unsigned id) override;
  absl::StatusOr<std::unique_ptr<DeviceThread>> create_device_thread() override {
    return std::make_unique<HostDeviceThread>();
  }
  Clock& clock() override { return *clock_; }
  TimerService& timers() override { return *timers_; }

 private:
  explicit KvmEngine(KvmVm vm) : vm_(std::move(vm)) {}

  KvmVm vm_;
  KvmProcessor* first_processor_ = nullptr;  // the domain's; used while it is built
  std::unique_ptr<HostClock> clock_;
  std::unique_ptr<TimerQueue> timers_;
};

}  // namespace vmm
