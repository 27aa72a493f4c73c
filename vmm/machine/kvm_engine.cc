#include "machine/kvm_engine.h"

#include <x86intrin.h>

#include <chrono>
#include <utility>

#include "machine/host_thread.h"

namespace vmm {
namespace {

constexpr uint32_t kMsrTsc = 0x10;

// The host's TSC frequency, measured over a few milliseconds.
uint64_t measure_tsc_hz() {
  const auto start = std::chrono::steady_clock::now();
  const uint64_t first = __rdtsc();
  std::chrono::duration<double> elapsed{};
  while (elapsed.count() < 0.002) elapsed = std::chrono::steady_clock::now() - start;
  return static_cast<uint64_t>(static_cast<double>(__rdtsc() - first) / elapsed.count());
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
  const auto tsc = first_processor_->msr(kMsrTsc);
  clock_ = std::make_unique<HostClock>(measure_tsc_hz(), tsc.ok() ? *tsc - __rdtsc() : 0);
  timers_ = std::make_unique<TimerQueue>(vcpu_count, *clock_, std::move(expired));
  return absl::OkStatus();
}

std::unique_ptr<VcpuThread> KvmEngine::create_thread(unsigned) {
  return std::make_unique<HostThread>(*clock_);
}

}  // namespace vmm
