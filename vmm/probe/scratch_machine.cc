#include "probe/scratch_machine.h"

#include <atomic>
#include <cstring>

#include "base/linear_addr.h"

namespace vmm {
namespace {

using pvmmu::LinearAddr;
using pvmmu::Mfn;
using pvmmu::PtLevel;

constexpr uint64_t kScratchFrames = 1024;
constexpr uint64_t kTableFlags =
    pvmmu::kPtePresent | pvmmu::kPteWritable | pvmmu::kPteUser | pvmmu::kPteAccessed;
constexpr uint64_t kPageFlags = kTableFlags | pvmmu::kPteDirty;

}  // namespace

absl::StatusOr<std::unique_ptr<ScratchMachine>> ScratchMachine::create() {
  if (auto status = install_kick_handler(); !status.ok()) return status;
  auto memory = MachineMemory::create(kScratchFrames);
  if (!memory.ok()) return memory.status();
  auto vm = KvmVm::create();
  if (!vm.ok()) return vm.status();
  std::unique_ptr<ScratchMachine> machine(new ScratchMachine(*std::move(vm), *std::move(memory)));
  MachineMemory& ram = machine->memory_;
  if (auto status = machine->vm_.add_memory(0, 0, ram.base(), ram.size()); !status.ok()) {
    return status;
  }
  machine->build_space();
  auto processor = KvmProcessor::create(machine->vm_, 0, machine->monitor_);
  if (!processor.ok()) return processor.status();
  machine->processor_ = *std::move(processor);
  machine->processor_->bind_to_this_thread();
  return machine;
}

void ScratchMachine::build_space() {
  Mfn next(monitor_.frame_count());
  const auto take = [&next] {
    const Mfn taken = next;
    next = next + 1;
    return taken;
  };
  root_ = take();
  const Mfn l3 = take(), l2 = take();
  l1_ = take();
  code_ = take();
  std::memcpy(memory_.frame(root_), memory_.frame(monitor_.idle_root()), pvmmu::kPageSize);
  const LinearAddr code(kCode);
  table(root_)[code.index(PtLevel::kL4)] = pvmmu::L4Pte(l3, kTableFlags).raw();
  table(l3)[code.index(PtLevel::kL3)] = pvmmu::L3Pte(l2, kTableFlags).raw();
  table(l2)[code.index(PtLevel::kL2)] = pvmmu::L2Pte(l1_, kTableFlags).raw();
  table(l1_)[code.index(PtLevel::kL1)] = pvmmu::L1Pte(code_, kPageFlags).raw();
  for (unsigned i = 0; i < kDataFrames; ++i) {
    data_[i] = take();
    *table(data_[i]) = i + 1;
  }
  set_data_frame(0);
}

void ScratchMachine::set_data_frame(unsigned index) {
  std::atomic_ref<uint64_t>(*data_entry()).store(pvmmu::L1Pte(data_[index], kPageFlags).raw());
}

uint64_t ScratchMachine::data_entry_address() const {
  return pvmmu::Maddr(l1_, LinearAddr(kData).index(PtLevel::kL1) * sizeof(uint64_t)).raw();
}

absl::Status ScratchMachine::touch_data_entry() {
  const uint64_t address = data_entry_address();
  return processor_->touch({&address, 1});
}

Trap ScratchMachine::run(std::span<const uint8_t> code, GuestRegisters& registers) {
  std::memcpy(memory_.frame(code_), code.data(), code.size());
  registers.rip = kCode;
  registers.rsp = kData + pvmmu::kPageSize;
  registers.rflags = 0x202;
  registers.cs = 0xe033;
  registers.ss = 0xe02b;
  return resume(registers);
}

Trap ScratchMachine::resume(GuestRegisters& registers) {
  return processor_->run(registers, EntryPlan{root_, false, {}});
}

uint64_t* ScratchMachine::data_entry() {
  return &table(l1_)[LinearAddr(kData).index(PtLevel::kL1)];
}

}  // namespace vmm
