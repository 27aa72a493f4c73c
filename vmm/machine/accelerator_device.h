// The domain's accelerator: the device, the thread that it runs on, and its event channel.
//
// With several vCPUs the device has a thread of its own, made when the guest starts it. With one it
// works at the guest's traps: a chunk after each hypercall, and as long as it has work when the
// vCPU would wait. So all that it does comes at the same place in each run.
//
// Locks: everything but the device's own loop is called with the domain's lock held.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "accelerator/accelerator.h"
#include "hypercalls/event_channels.h"
#include "machine/device_thread.h"
#include "machine/engine.h"

namespace vmm {

class AcceleratorDevice final : private AcceleratorHost {
 public:
  // By the device's thread, without a lock: `failed` is told of an access that must not be, `idle`
  // is called when there is nothing to work on.
  AcceleratorDevice(Engine& engine, bool own_thread, std::function<void(std::string)> failed,
                    std::function<void()> idle)
      : engine_(engine),
        own_thread_(own_thread),
        failed_(std::move(failed)),
        idle_(std::move(idle)) {}
  ~AcceleratorDevice();

  Accelerator& device() { return device_; }
  bool was_started() const { return was_started_; }

  // The port that the device raises, or a negative errno. The page is the device's from now on.
  int64_t start(EventChannels& events, pvmmu::Mfn report_frame, std::byte* report_page);
  pvmmu::Mfn report_frame() const { return report_frame_; }
  // There is something to work on.
  void wake();
  // Where the guest has just trapped, on a domain of one vCPU: true if the device did anything.
  bool work_at_trap() { return !own_thread_ && was_started_ && device_.work(); }

  // No access is made afterwards.
  void end();

  // For the audit: valid until the next call.
  std::span<const pvmmu::Mfn> frames();

 private:
  void loop();
  // AcceleratorHost
  void raise() override;
  void pause(DeviceStep step) override;
  void about_to_access(const DeviceAccess& access) override;

  Engine& engine_;
  const bool own_thread_;
  const std::function<void(std::string)> failed_;
  const std::function<void()> idle_;
  Accelerator device_{*this};
  EventChannels* events_ = nullptr;
  uint32_t port_ = 0;
  pvmmu::Mfn report_frame_;
  bool was_started_ = false;
  std::vector<pvmmu::Mfn> frames_;
  std::atomic<bool> ending_{false};
  std::unique_ptr<DeviceThread> thread_;  // joined before the rest goes
};

}  // namespace vmm
