#include "machine/accelerator_device.h"

#include <utility>

#include "abi/xen.h"

namespace vmm {

AcceleratorDevice::~AcceleratorDevice() {
  end();
}

int64_t AcceleratorDevice::start(EventChannels& events, pvmmu::Mfn report_frame,
                                 std::byte* report_page) {
  if (own_thread_ && thread_ == nullptr) {
    auto thread = engine_.create_device_thread();
    if (!thread.ok()) return -XEN_ENOMEM;
    thread_ = *std::move(thread);
    thread_->start([this] { loop(); });
  }
  const uint32_t port = events.allocate_vmm_port([] {});
  if (port == 0) return -XEN_ENOSPC;
  events_ = &events;
  port_ = port;
  report_frame_ = report_frame;
  was_started_ = true;
  device_.start(report_page);
  return port;
}

void AcceleratorDevice::wake() {
  if (thread_ != nullptr) thread_->wake();
}

void AcceleratorDevice::end() {
  ending_ = true;
  if (thread_ == nullptr) return;
  thread_->wake();
  thread_->join();
}

std::span<const pvmmu::Mfn> AcceleratorDevice::frames() {
  frames_ = was_started_ ? device_.frames() : std::vector<pvmmu::Mfn>{};
  return frames_;
}

void AcceleratorDevice::loop() {
  while (!ending_) {
    if (device_.work()) continue;
    idle_();
    thread_->wait();
  }
}

void AcceleratorDevice::raise() {
  events_->raise(port_);
}

void AcceleratorDevice::pause(DeviceStep step) {
  if (step == DeviceStep::kEnded && engine_.watches_accelerator()) {
    for (const DeviceAccess& entry : device_.entries()) about_to_access(entry);
  }
  if (thread_ != nullptr) thread_->pause(step);
}

void AcceleratorDevice::about_to_access(const DeviceAccess& access) {
  std::string objection = engine_.objection_to(access);
  if (!objection.empty()) failed_(std::move(objection));
}

}  // namespace vmm
