#include "sim/sim_engine.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "arch/sim/device_oracle.h"

namespace vmm {

absl::StatusOr<std::unique_ptr<SimEngine>> SimEngine::create(const SimOptions& options) {
  static bool used = false;
  if (std::exchange(used, true)) {
    return absl::FailedPreconditionError("a process can simulate one guest only");
  }
  std::unique_ptr<SimEngine> engine(new SimEngine(options));
  auto machine = SimMachine::create(engine->time_, engine->options_);
  if (!machine.ok()) return machine.status();
  engine->machine_ = *std::move(machine);
  return engine;
}

absl::StatusOr<MachineMemory> SimEngine::create_memory(uint64_t frame_count) {
  return MachineMemory::create_unpopulated(frame_count);
}

absl::Status SimEngine::extend_space(MachineMemory& memory, MonitorSpace& monitor) {
  memory_ = &memory;
  machine_->add_windows(memory, monitor);
  return absl::OkStatus();
}

void SimEngine::place_domain(MachineMemory& memory, std::span<const pvmmu::Mfn> p2m) {
  const pvmmu::Mfn first = *std::min_element(p2m.begin(), p2m.end());
  memory.arrange(first, p2m);
  machine_->place_domain(memory, first, p2m.size());
}

absl::StatusOr<std::unique_ptr<Processor>> SimEngine::create_processor(unsigned id,
                                                                       MonitorSpace& monitor) {
  auto turn = scheduler_.create_turn();
  if (!turn.ok()) return turn.status();
  auto processor = std::make_unique<SimProcessor>(id, options_, *memory_, monitor.idle_root(),
                                                  scheduler_, *machine_);
  processor->set_turn(**turn);
  turns_.push_back(turn->get());
  new_turns_.push_back(*std::move(turn));
  machine_->add_processor(*processor);
  return processor;
}

absl::Status SimEngine::start_time(unsigned vcpu_count, std::function<void(VcpuId)> expired) {
  time_.start(vcpu_count, std::move(expired));
  return absl::OkStatus();
}

absl::Status SimEngine::prepare(const BuiltDomain& domain) {
  frames_ = domain.frames;
  return machine_->prepare(domain);
}

std::unique_ptr<VcpuThread> SimEngine::create_thread(unsigned id) {
  return std::move(new_turns_[id]);
}

absl::StatusOr<std::unique_ptr<DeviceThread>> SimEngine::create_device_thread() {
  auto turn = scheduler_.create_turn();
  if (!turn.ok()) return turn.status();
  return std::make_unique<DeviceTurn>(*std::move(turn));
}

std::string SimEngine::objection_to(const DeviceAccess& access) {
  const pvmmu::PageInfo& page = frames_[access.frame.raw()];
  const char* objection =
      page.type != pvmmu::PageType::kWritable || page.device_count == 0
          ? "the MMU knows nothing of it"
          : kernel::sim::objection_to_device(access.page.context, access.page.address, access.frame,
                                             access.write);
  if (objection == nullptr) return {};
  return absl::StrFormat("the accelerator has frame 0x%x at 0x%x of context %u %s, but %s",
                         access.frame.raw(), access.page.address, access.page.context,
                         access.write ? "for writing" : "for reading", objection);
}

void SimEngine::let_others_in(unsigned vcpu, DomainMutex& lock) {
  DomainLock held(lock, std::adopt_lock);
  turns_[vcpu]->yield(held);
  held.release();
}

}  // namespace vmm
