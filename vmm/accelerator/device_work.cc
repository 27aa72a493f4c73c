// The device's half: a command, chunk by chunk.
#include <algorithm>
#include <atomic>
#include <utility>

#include "accelerator/accelerator.h"

namespace vmm {

using guest_abi::AcceleratorCommand;
using guest_abi::AcceleratorEvent;
using guest_abi::AcceleratorOperation;
using guest_abi::AcceleratorReport;

namespace {

// So little that what others do falls also into the middle of a page.
constexpr uint64_t kMaxChunk = 1024;
constexpr uint64_t kWord = sizeof(uint64_t);

uint64_t left_in_page(uint64_t address) {
  return pvmmu::kPageSize - (address & ~pvmmu::kPageMask);
}

AcceleratorOperation operation_of(const AcceleratorCommand& request) {
  return static_cast<AcceleratorOperation>(request.operation);
}

bool writes(const AcceleratorCommand& request) {
  return operation_of(request) != AcceleratorOperation::kChecksum;
}

// Guest processors may use the same words: each is one load or store.
std::atomic_ref<uint64_t> word_at(std::byte* bytes, uint64_t offset) {
  return std::atomic_ref(*reinterpret_cast<uint64_t*>(bytes + offset));
}

}  // namespace

// In turn, so that none waits for ever.
Accelerator::Command* Accelerator::choose() {
  for (unsigned i = 1; i <= commands_.size(); ++i) {
    const auto tag = static_cast<unsigned>((last_ + i) % commands_.size());
    if (commands_[tag].state == Command::State::kReady) {
      last_ = tag;
      return &commands_[tag];
    }
  }
  return nullptr;
}

void Accelerator::pause(Lock& lock, DeviceStep step) {
  lock.unlock();
  host_.pause(step);
  lock.lock();
}

bool Accelerator::work() {
  Lock lock(mutex_);
  Command* const command = choose();
  if (command == nullptr) return false;
  const uint64_t serial = command->serial;
  // Whenever the mutex was free, the command may have been forgotten.
  const auto is_alive = [&] {
    return command->state == Command::State::kReady && command->serial == serial;
  };
  pause(lock, DeviceStep::kFetched);
  if (!is_alive()) return true;
  Chunk chunk = next_chunk(*command);
  if (!translate(lock, *command, chunk)) return true;
  const AcceleratorCommand request = command->request;
  ++counters_.chunks;
  if (events_ != nullptr) {
    events_->access_begins(request, chunk.offset, chunk.size, in_flight_, untold_cache_hits());
  }
  lock.unlock();
  host_.pause(DeviceStep::kTranslated);
  // Only this half changes what is in flight.
  for (const DeviceAccess& access : in_flight_) host_.about_to_access(access);
  const uint64_t result = access(request, chunk);
  host_.pause(DeviceStep::kAccessed);
  lock.lock();
  in_flight_.clear();
  if (events_ != nullptr) events_->access_ends();
  if (is_alive()) finish(lock, *command, chunk, result);
  return true;
}

Accelerator::Chunk Accelerator::next_chunk(const Command& command) {
  const AcceleratorCommand& request = command.request;
  Chunk chunk;
  chunk.offset = command.done;
  chunk.size = std::min(
      {request.byte_count - command.done, kMaxChunk, left_in_page(request.address + command.done)});
  if (operation_of(request) == AcceleratorOperation::kCopy) {
    chunk.size = std::min(chunk.size, left_in_page(request.source + command.done));
  }
  return chunk;
}

// Finds the bytes of the chunk, whose frames are in flight from then on. False: a fault is
// reported, and nothing is in flight.
bool Accelerator::translate(Lock& lock, Command& command, Chunk& chunk) {
  const AcceleratorCommand& request = command.request;
  const bool copies = operation_of(request) == AcceleratorOperation::kCopy;
  const uint64_t address = request.address + chunk.offset, source = request.source + chunk.offset;
  chunk.to = look_up(command, address, writes(request));
  if (chunk.to != nullptr && copies) chunk.from = look_up(command, source, false);
  if (chunk.to != nullptr && (!copies || chunk.from != nullptr)) return true;
  in_flight_.clear();
  const bool at_target = chunk.to == nullptr;
  report_fault(command, at_target ? address : source, at_target && writes(request));
  pause(lock, DeviceStep::kFaulted);
  return false;
}

std::byte* Accelerator::look_up(const Command& command, uint64_t address, bool write) {
  const DevicePage page{command.request.context, address & pvmmu::kPageMask};
  const DeviceEntry* const entry = translations_.use(page, write);
  if (entry == nullptr) return nullptr;
  in_flight_.push_back({page, entry->frame, write});
  return entry->bytes + (address & ~pvmmu::kPageMask);
}

bool Accelerator::in_flight(pvmmu::Mfn frame) const {
  return std::ranges::any_of(in_flight_,
                             [frame](const DeviceAccess& access) { return access.frame == frame; });
}

// Returns what the chunk adds to the result.
uint64_t Accelerator::access(const AcceleratorCommand& request, const Chunk& chunk) {
  uint64_t result = 0;
  switch (operation_of(request)) {
    case AcceleratorOperation::kCopy:
      for (uint64_t at = 0; at < chunk.size; at += kWord) {
        word_at(chunk.to, at).store(word_at(chunk.from, at).load());
      }
      break;
    case AcceleratorOperation::kFill:
      for (uint64_t at = 0; at < chunk.size; at += kWord) {
        word_at(chunk.to, at).store(request.value + (chunk.offset + at) / kWord);
      }
      break;
    case AcceleratorOperation::kCompareExchange:
      result = request.value;
      word_at(chunk.to, 0).compare_exchange_strong(result, request.desired);
      break;
    case AcceleratorOperation::kChecksum:
      for (uint64_t at = 0; at < chunk.size; at += kWord) result += word_at(chunk.to, at).load();
      break;
    case AcceleratorOperation::kCount:
      break;
  }
  return result;
}

void Accelerator::finish(Lock& lock, Command& command, const Chunk& chunk, uint64_t result) {
  command.result += result;
  command.done += chunk.size;
  if (command.done < command.request.byte_count) return;
  report_end(command, 0);
  pause(lock, DeviceStep::kEnded);
}

uint64_t Accelerator::untold_cache_hits() {
  return translations_.cache_hits() - std::exchange(told_cache_hits_, translations_.cache_hits());
}

void Accelerator::report_fault(Command& command, uint64_t address, bool write) {
  ++counters_.faults;
  if (events_ != nullptr) {
    events_->faulted(command.request, address & pvmmu::kPageMask, write, untold_cache_hits());
  }
  command.state = Command::State::kWaits;
  AcceleratorEvent event{};
  event.kind = AcceleratorReport::kFault;
  event.address = address & pvmmu::kPageMask;
  event.write = write ? 1 : 0;
  report(command, event);
}

void Accelerator::report_end(Command& command, uint64_t error) {
  ++counters_.ended;
  if (error != 0) ++counters_.errors;
  if (events_ != nullptr) events_->ended(command.request, error, command.result);
  command.state = Command::State::kFree;
  AcceleratorEvent event{};
  event.kind = AcceleratorReport::kEnd;
  event.error = static_cast<uint32_t>(error);
  event.result = command.result;
  report(command, event);
}

void Accelerator::report(const Command& command, const AcceleratorEvent& event) {
  AcceleratorEvent& slot = reports_->events[command.request.tag];
  slot = event;
  slot.tag = command.request.tag;
  slot.context = command.request.context;
  std::atomic_ref(reports_->pending).fetch_or(uint64_t{1} << command.request.tag);
  host_.raise();
}

}  // namespace vmm
