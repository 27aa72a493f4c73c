#include "trace/accelerator_trace.h"

#include <array>
#include <utility>

namespace vmm {
namespace {

using guest_abi::AcceleratorCommand;
using guest_abi::AcceleratorOperation;

constexpr std::array<absl::string_view, size_t(AcceleratorOperation::kCount)> kOperations = {
    "copy", "fill", "compare_exchange", "checksum"};

// The device has checked it.
absl::string_view operation_name(const AcceleratorCommand& command) {
  return kOperations[command.operation];
}

bool copies(const AcceleratorCommand& command) {
  return command.operation == static_cast<uint32_t>(AcceleratorOperation::kCopy);
}

TraceEvent& of_command(TraceEvent& event, const AcceleratorCommand& command) {
  return event.number("tag", command.tag).number("context", static_cast<int64_t>(command.context));
}

}  // namespace

void AcceleratorTrace::name_track() {
  if (std::exchange(named_, true)) return;
  track_.name("accelerator");
}

TraceEvent AcceleratorTrace::mark(absl::string_view name) {
  name_track();
  TraceEvent event = track_.instant(now_());
  event.name(name).category("accelerator");
  return event;
}

TraceEvent AcceleratorTrace::mark(absl::string_view name, const AcceleratorCommand& command) {
  TraceEvent event = mark(name);
  of_command(event, command);
  return event;
}

void AcceleratorTrace::submitted(const AcceleratorCommand& command) {
  TraceEvent event = mark("command", command);
  event.word("operation", operation_name(command)).hex("address", command.address);
  if (copies(command)) event.hex("source", command.source);
  event.number("bytes", static_cast<int64_t>(command.byte_count));
  track_.add(std::move(event));
}

void AcceleratorTrace::ended(const AcceleratorCommand& command, uint64_t error, uint64_t result) {
  TraceEvent event = mark("command ended", command);
  event.number("error", static_cast<int64_t>(error)).hex("result", result);
  track_.add(std::move(event));
}

void AcceleratorTrace::forgotten(const AcceleratorCommand& command) {
  track_.add(mark("command forgotten", command));
}

void AcceleratorTrace::faulted(const AcceleratorCommand& command, uint64_t address, bool write,
                               uint64_t cache_hits) {
  TraceEvent event = mark("fault", command);
  event.hex("address", address).flag("write", write);
  event.number("cache_hits", static_cast<int64_t>(cache_hits));
  track_.add(std::move(event));
}

void AcceleratorTrace::access_begins(const AcceleratorCommand& command, uint64_t offset,
                                     uint64_t size, std::span<const DeviceAccess> places,
                                     uint64_t cache_hits) {
  name_track();
  TraceEvent event = track_.begin(now_());
  event.name(operation_name(command)).category("access");
  of_command(event, command);
  event.hex("address", command.address + offset).hex("frame", places[0].frame.raw());
  if (copies(command)) {
    event.hex("source", command.source + offset).hex("source_frame", places[1].frame.raw());
  }
  event.number("bytes", static_cast<int64_t>(size));
  event.number("cache_hits", static_cast<int64_t>(cache_hits));
  track_.add(std::move(event));
}

void AcceleratorTrace::access_ends() {
  track_.add(track_.end(now_()));
}

void AcceleratorTrace::established(const DeviceAccess& entry) {
  TraceEvent event = mark("entry");
  event.number("context", static_cast<int64_t>(entry.page.context))
      .hex("address", entry.page.address)
      .hex("frame", entry.frame.raw())
      .flag("write", entry.write);
  track_.add(std::move(event));
}

void AcceleratorTrace::invalidated(uint64_t context, uint64_t address, uint64_t end) {
  TraceEvent event = mark("invalidation");
  event.number("context", static_cast<int64_t>(context)).hex("address", address).hex("end", end);
  track_.add(std::move(event));
}

void AcceleratorTrace::let_go(pvmmu::Mfn frame) {
  TraceEvent event = mark("let go");
  event.hex("frame", frame.raw());
  track_.add(std::move(event));
}

}  // namespace vmm
