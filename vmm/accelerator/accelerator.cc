#include "accelerator/accelerator.h"

#include <algorithm>

#include "abi/xen.h"

namespace vmm {

using guest_abi::AcceleratorCommand;
using guest_abi::AcceleratorOperation;
using guest_abi::AcceleratorReport;

namespace {

constexpr uint64_t kWord = sizeof(uint64_t);

bool is_aligned(uint64_t value) {
  return value % kWord == 0;
}

bool in_user_half(uint64_t address, uint64_t byte_count) {
  return address < kDeviceAddressEnd && byte_count <= kDeviceAddressEnd - address;
}

bool overlap(uint64_t a, uint64_t b, uint64_t byte_count) {
  return a < b + byte_count && b < a + byte_count;
}

int64_t check_command(const AcceleratorCommand& command) {
  if (command.operation >= static_cast<uint32_t>(AcceleratorOperation::kCount) ||
      command.tag >= guest_abi::kMaxCommands || command.byte_count == 0 ||
      !is_aligned(command.address) || !is_aligned(command.byte_count)) {
    return -XEN_EINVAL;
  }
  if (command.byte_count > guest_abi::kMaxBytes) return -XEN_E2BIG;
  if (!in_user_half(command.address, command.byte_count)) return -XEN_EFAULT;
  const auto operation = static_cast<AcceleratorOperation>(command.operation);
  if (operation == AcceleratorOperation::kCompareExchange && command.byte_count != kWord) {
    return -XEN_EINVAL;
  }
  if (operation != AcceleratorOperation::kCopy) return 0;
  if (!is_aligned(command.source)) return -XEN_EINVAL;
  if (!in_user_half(command.source, command.byte_count)) return -XEN_EFAULT;
  return overlap(command.address, command.source, command.byte_count) ? -XEN_EINVAL : 0;
}

}  // namespace

void Accelerator::start(std::byte* report_page) {
  Lock lock(mutex_);
  reports_ = reinterpret_cast<guest_abi::AcceleratorReports*>(report_page);
}

void Accelerator::stop() {
  Lock lock(mutex_);
  for (const uint64_t context : contexts_) {
    forget_commands(context);
    translations_.take_out(context, 0, UINT64_MAX);
  }
  contexts_.clear();
  reports_ = nullptr;
}

int64_t Accelerator::open(uint64_t context) {
  Lock lock(mutex_);
  if (context > UINT32_MAX) return -XEN_EINVAL;
  if (contexts_.contains(context)) return -XEN_EEXIST;
  if (contexts_.size() >= guest_abi::kMaxContexts) return -XEN_ENOSPC;
  contexts_.insert(context);
  return 0;
}

int64_t Accelerator::close(uint64_t context) {
  Lock lock(mutex_);
  if (contexts_.erase(context) == 0) return -XEN_ESRCH;
  forget_commands(context);
  translations_.take_out(context, 0, UINT64_MAX);
  return 0;
}

void Accelerator::forget_commands(uint64_t context) {
  for (Command& command : commands_) {
    if (command.state == Command::State::kFree || command.request.context != context) continue;
    command.state = Command::State::kFree;
    ++counters_.forgotten;
    if (events_ != nullptr) events_->forgotten(command.request);
  }
}

int64_t Accelerator::submit(const AcceleratorCommand& request) {
  Lock lock(mutex_);
  if (const int64_t error = check_command(request); error != 0) return error;
  if (!contexts_.contains(request.context)) return -XEN_ESRCH;
  Command& command = commands_[request.tag];
  if (command.state != Command::State::kFree) return -XEN_EBUSY;
  command = {Command::State::kReady, ++serials_, request, 0, 0};
  ++counters_.commands;
  if (events_ != nullptr) events_->submitted(request);
  return 0;
}

int64_t Accelerator::resume(uint64_t tag, uint64_t context, uint64_t error) {
  Lock lock(mutex_);
  if (!contexts_.contains(context)) return -XEN_ESRCH;
  if (tag >= guest_abi::kMaxCommands) return -XEN_EINVAL;
  Command& command = commands_[tag];
  if (command.state != Command::State::kWaits || command.request.context != context) {
    return -XEN_ENOENT;
  }
  if (error != 0) {
    report_end(command, error);
  } else {
    command.state = Command::State::kReady;
  }
  return 0;
}

int64_t Accelerator::may_establish(uint64_t context) {
  Lock lock(mutex_);
  return contexts_.contains(context) ? 0 : -XEN_ESRCH;
}

void Accelerator::establish(const DevicePage& page, pvmmu::Mfn frame, std::byte* bytes,
                            bool writable) {
  Lock lock(mutex_);
  if (translations_.entry_count() >= guest_abi::kMaxEntries) translations_.take_out_any();
  translations_.establish(page, {frame, bytes, writable});
  ++counters_.established;
  if (events_ != nullptr) events_->established({page, frame, writable});
}

int64_t Accelerator::invalidate(uint64_t context, uint64_t address, uint64_t end) {
  Lock lock(mutex_);
  if (!contexts_.contains(context)) return -XEN_ESRCH;
  ++counters_.invalidations;
  if (events_ != nullptr) events_->invalidated(context, address, end);
  translations_.take_out(context, address, end);
  return 0;
}

int64_t Accelerator::clear_young(uint64_t context, uint64_t address, uint64_t end,
                                 std::span<uint64_t> young) {
  constexpr uint64_t kBits = 64;
  Lock lock(mutex_);
  if (!contexts_.contains(context)) return -XEN_ESRCH;
  translations_.for_each(context, address, end, [&](const DevicePage& page, DeviceEntry& entry) {
    const uint64_t index = (page.address - address) / pvmmu::kPageSize;
    if (entry.accessed) young[index / kBits] |= uint64_t{1} << (index % kBits);
    entry.accessed = false;
  });
  return 0;
}

std::vector<DeviceEntry> Accelerator::remove_gone() {
  Lock lock(mutex_);
  auto gone = translations_.remove_leaving(
      [this](const DeviceEntry& entry) { return !in_flight(entry.frame); });
  counters_.taken_out += gone.size();
  if (events_ != nullptr) {
    for (const DeviceEntry& entry : gone) events_->let_go(entry.frame);
  }
  return gone;
}

bool Accelerator::any_leaving() {
  Lock lock(mutex_);
  return translations_.any_leaving();
}

std::vector<pvmmu::Mfn> Accelerator::frames() {
  Lock lock(mutex_);
  return translations_.frames();
}

std::vector<DeviceAccess> Accelerator::entries() {
  Lock lock(mutex_);
  std::vector<DeviceAccess> entries;
  translations_.for_each_entry([&](const DevicePage& page, const DeviceEntry& entry) {
    entries.push_back({page, entry.frame, entry.writable});
  });
  return entries;
}

bool Accelerator::has_work() {
  Lock lock(mutex_);
  return !in_flight_.empty() || std::ranges::any_of(commands_, [](const Command& command) {
    return command.state == Command::State::kReady;
  });
}

AcceleratorCounters Accelerator::counters() {
  Lock lock(mutex_);
  AcceleratorCounters counters = counters_;
  counters.cache_hits = translations_.cache_hits();
  return counters;
}

}  // namespace vmm
