// What the loop of a device runs on, if it has one of its own: a host thread, or a turn of the
// simulator's.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "accelerator/device_step.h"

namespace vmm {

class DeviceThread {
 public:
  virtual ~DeviceThread() = default;
  // Once. The body may begin before this returns, or only when the engine is driven.
  virtual void start(std::function<void()> body) = 0;
  // Returns when the body has; at once if it was never started.
  virtual void join() = 0;
  // Any thread, with any lock: ends the body's wait, or the next one.
  virtual void wake() = 0;

  // --- by the body, without a lock ---
  // Until somebody wakes it.
  virtual void wait() = 0;
  // A place where others may go first.
  virtual void pause(DeviceStep step) = 0;
};

// On a thread of the host.
class HostDeviceThread final : public DeviceThread {
 public:
  ~HostDeviceThread() override { join(); }
  void start(std::function<void()> body) override { thread_ = std::thread(std::move(body)); }
  void join() override {
    if (thread_.joinable()) thread_.join();
  }
  void wake() override {
    {
      std::lock_guard lock(mutex_);
      woken_ = true;
    }
    wakes_.notify_one();
  }
  void wait() override {
    std::unique_lock lock(mutex_);
    wakes_.wait(lock, [this] { return woken_; });
    woken_ = false;
  }
  // The host's scheduler needs no help.
  void pause(DeviceStep) override {}

 private:
  std::mutex mutex_;  // a leaf, of this class alone
  std::condition_variable wakes_;
  bool woken_ = false;
  std::thread thread_;
};

}  // namespace vmm
