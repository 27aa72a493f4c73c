#include "machine/kvm_engine.h"

#include <x86intrin.h>

#include <chrono>
#include <utility>

#include "machine/host_thread.h"

namespace vmm {
namespace {

constexpr uint32_t kMsrTsc = 0x10;

// Guest TSC - host TSC: the call that reads the one takes time, so the reading with the least
// around it counts.
uint64_t tsc_offset(KvmProcessor& processor) {
  constexpr unsigned kAttempts = 8;
  uint64_t offset = 0;
  uint64_t least = UINT64_MAX;
  for (unsigned i = 0; i < kAttempts; ++i) {
    const uint64_t before = __rdtsc();
    const auto guest = processor.msr(kMsrTsc);
    const uint64_t around = __rdtsc() - before;
    if (guest.ok() && around < least) {
      least = around;
      offset = *guest - (before + around / 2);
    }
  }
  return offset;
}

}  // namespace

absl::StatusOr<std::unique_ptr<KvmEngine>> KvmEngine::create() {
  if (auto status = install_kick_handler(); !status.ok()) return status;
  auto vm = KvmVm::create();
  if (!vm.ok()) return vm.status();
  return std::unique_ptr<KvmEngine>(new KvmEngine(*std::move(vm)));
}

absl::StatusOr<MachineMemory> KvmEngine::create_memory(uint64_t frame_count) {
  auto memory = MachineMemory::create(frame_count);
  if (!memory.ok()) return memory.status();
  if (auto status = vm_.add_memory(0, 0, memory->base(), memory->size()); !status.ok()) {
    return status;
  }
  return memory;
}

absl::StatusOr<std::unique_ptr<Processor>> KvmEngine::create_processor(unsigned id,
                                                                       MonitorSpace& monitor) {
  auto processor = KvmProcessor::create(vm_, id, monitor);
  if (!processor.ok()) return processor.status();
  if (id == 0) first_processor_ = processor->get();
  return *std::move(processor);
}

absl::Status KvmEngine::start_time(unsigned vcpu_count, std::function<void(VcpuId)> expired) {
  clock_ = std::make_unique<HostClock>(tsc_offset(*first_processor_));
  timers_ = std::make_unique<TimerQueue>(vcpu_count, *clock_, std::move(expired));
  return absl::OkStatus();
}

std::unique_ptr<VcpuThread> KvmEngine::create_thread(unsigned) {
  return std::make_unique<HostThread>(*clock_);
}

}  // namespace vmm
