#include "sim/sim_machine.h"

#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "arch/sim/entry.h"
#include "base/pte.h"
#include "sim/schedule_policy.h"

// The writable part of this program, as the linker lays it out.
extern "C" std::byte __data_start[];
extern "C" std::byte _end[];

namespace vmm {
namespace {

using kernel::sim::Window;
using pvmmu::kPageShift;
using pvmmu::kPageSize;

// Slot 264: not the monitor's.
constexpr uint64_t kWindowBase = 0xffff'8400'0000'0000;
constexpr uint64_t kRegion = uint64_t{1} << 21;  // of one L1 table
#if defined(__SANITIZE_ADDRESS__)
constexpr size_t kThreadStackBytes = 256 << 10;
#else
constexpr size_t kThreadStackBytes = 32 << 10;
#endif
constexpr size_t kMostThreads = 256 + 32;  // the kernel's tasks, and a first thread for each vCPU

std::byte* data_start() {
  return reinterpret_cast<std::byte*>(reinterpret_cast<uint64_t>(__data_start) & pvmmu::kPageMask);
}

uint64_t data_bytes() {
  const auto bytes = static_cast<uint64_t>(_end - data_start());
  return (bytes + kPageSize - 1) & pvmmu::kPageMask;
}

uint64_t tables_for(uint64_t bytes) {
  return (bytes + kRegion - 1) / kRegion + 1;
}

void map_window(MonitorSpace& monitor, const Window& window) {
  for (uint64_t offset = 0; offset < window.byte_count; offset += kPageSize) {
    monitor.map_for_guest(window.linear + offset, window.first + (offset >> kPageShift));
  }
}

Window lend(MachineMemory& memory, std::byte* pages, uint64_t byte_count, uint64_t linear) {
  return {reinterpret_cast<unsigned char*>(pages), linear, byte_count,
          memory.lend(pages, byte_count >> kPageShift)};
}

}  // namespace

absl::StatusOr<std::unique_ptr<SimMachine>> SimMachine::create(VirtualTime& time,
                                                               const SimOptions& options) {
  auto stacks = HostPages::create(kMostThreads * kThreadStackBytes);
  if (!stacks.ok()) return stacks.status();
  return std::unique_ptr<SimMachine>(new SimMachine(time, options, *std::move(stacks)));
}

uint64_t SimMachine::window_tables() {
  constexpr uint64_t kUppers = 2;  // an L3 and an L2 table
  return kUppers + tables_for(data_bytes()) + tables_for(kMostThreads * kThreadStackBytes);
}

void SimMachine::add_windows(MachineMemory& memory, MonitorSpace& monitor) {
  layout_.data = lend(memory, data_start(), data_bytes(), kWindowBase);
  const uint64_t stacks = kWindowBase + tables_for(data_bytes()) * kRegion;
  layout_.stacks = lend(memory, stacks_.base(), stacks_.size(), stacks);
  map_window(monitor, layout_.data);
  map_window(monitor, layout_.stacks);
}

void SimMachine::place_domain(MachineMemory& memory, pvmmu::Mfn first, uint64_t count) {
  layout_.frames = reinterpret_cast<unsigned char*>(memory.base() + (first.raw() << kPageShift));
  layout_.frame_count = count;
}

absl::Status SimMachine::prepare(const BuiltDomain& domain) {
  const GuestImage& image = domain.image;
  // The built-in guest's image is code, constants and data.
  if (image.segments.size() != 3 || !image.hypercall_page) {
    return absl::InvalidArgumentError("the simulator runs the built-in guest only");
  }
  const auto linear = [&image](unsigned segment) {
    return image.virtual_base.raw() + image.segments[segment].destination.raw();
  };
  const uint64_t end = linear(2) + image.segments[2].memory_size;
  MachineMemory& memory = domain.memory;
  layout_.image_start = linear(0);
  layout_.constants_start = linear(1);
  layout_.data_start = linear(2);
  layout_.image_end = (end + kPageSize - 1) & pvmmu::kPageMask;
  layout_.entry = image.entry.raw();
  layout_.hypercall_page = image.hypercall_page->raw();
  layout_.shared_info = reinterpret_cast<unsigned char*>(memory.frame(domain.shared_info));
  layout_.m2p = domain.monitor.m2p();
  for (SimProcessor* processor : processors_) processor->set_frames(domain.frames);
  program_ = std::make_unique<UserProgram>(memory, options_.replace_program);
  kernel::sim::running.machine = this;
  kernel::sim::running.layout = &layout_;
  return absl::OkStatus();
}

GuestThread& SimMachine::thread(uint64_t stack_top) {
  auto& found = threads_[stack_top];
  if (found == nullptr) {
    const size_t index = threads_.size() - 1;
    if (index >= kMostThreads) fail("more kernel threads than stacks");
    found = std::make_unique<GuestThread>();
    found->stack = stacks_.base() + index * kThreadStackBytes;
    stacks_.close(index * kThreadStackBytes, kPageSize);  // what is too deep faults
  }
  return *found;
}

void SimMachine::prepare(GuestThread& thread, void (*entry)()) {
  thread.fiber.prepare(thread.stack, kThreadStackBytes, entry);
}

// The boot processor's first thread has no stack among the tasks'; another's is its idle task's.
GuestThread& SimMachine::first_thread(unsigned vcpu, const GuestRegisters& registers) {
  const uint64_t stack_top =
      vcpu == 0 ? 0 : reinterpret_cast<uint64_t>(kernel::sim::host_pointer(registers.rsp));
  GuestThread& first = thread(stack_top);
  prepare(first, [] { kernel::sim::begin_vcpu(); });
  return first;
}

void SimMachine::resume(unsigned vcpu, kernel::sim::Registers& registers, GuestThread& thread) {
  current_ = processors_[vcpu];
  running_ = &thread;
  kernel::sim::running.vcpu = vcpu;
  kernel::sim::running.registers = &registers;
  kernel::sim::running.explored = options_.policy != nullptr && options_.policy->active();
}

void SimMachine::leave(kernel::sim::Cause cause, uint64_t address, uint32_t error_code) {
  current_->leave(*running_, cause, address, error_code);
}

uint64_t* SimMachine::access(uint64_t linear, bool write, uint32_t& error_code) {
  return current_->access(pvmmu::LinearAddr(linear), write, error_code);
}

void SimMachine::yield_point(kernel::YieldPoint point, const void* what,
                             const uint64_t (&callers)[8]) {
  current_->at_point({static_cast<PointKind>(point), reinterpret_cast<uint64_t>(what), callers});
}

void SimMachine::prepare_thread(uint64_t stack_top, void (*entry)()) {
  prepare(thread(stack_top), entry);
}

void SimMachine::switch_to_thread(uint64_t stack_top) {
  GuestThread& left = *running_;
  running_ = &thread(stack_top);
  left.fiber.switch_to(running_->fiber);
}

void SimMachine::run_user() {
  program_->run(current_);
}

void SimMachine::fail(const char* what) {
  current_->fail(absl::StrCat("the simulator: ", what));
  std::abort();  // nobody goes on with a machine that failed
}

}  // namespace vmm
