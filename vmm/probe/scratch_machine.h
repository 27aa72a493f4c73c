// A VM of a few pages with one vCPU and no operating system: runs a snippet of code at CPL3 until
// it traps. For the probe and for tests of the processor.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "absl/status/statusor.h"
#include "base/pte.h"
#include "machine/kvm_processor.h"
#include "machine/machine_memory.h"
#include "machine/monitor_space.h"

namespace vmm {

class ScratchMachine {
 public:
  static constexpr uint64_t kCode = 0x40'0000;
  static constexpr uint64_t kData = 0x40'1000;  // a page whose frame set_data_frame chooses
  static constexpr unsigned kDataFrames = 2;    // data frame i holds the value i + 1

  static absl::StatusOr<std::unique_ptr<ScratchMachine>> create();

  // Runs `code` at CPL3 from its first byte until it traps; registers are those at the trap.
  Trap run(std::span<const uint8_t> code, GuestRegisters& registers);
  // Goes on with the registers of a run that was kicked.
  Trap resume(GuestRegisters& registers);
  // Makes kData refer to a data frame, by a plain store from the host.
  void set_data_frame(unsigned index);
  // The machine address of kData's entry.
  uint64_t data_entry_address() const;
  // The L4 that snippets run on.
  pvmmu::Mfn root() const { return root_; }
  // The host's view of it.
  uint64_t* data_entry();
  // From now on entries of the snippet's space load CR3 again.
  void flush() { processor_->owe_flush(); }
  // Touches kData's entry from ring 0.
  absl::Status touch_data_entry();
  KvmProcessor& processor() { return *processor_; }

 private:
  ScratchMachine(KvmVm vm, MachineMemory memory)
      : memory_(std::move(memory)), vm_(std::move(vm)), monitor_(memory_, 1) {}
  void build_space();
  uint64_t* table(pvmmu::Mfn mfn) { return reinterpret_cast<uint64_t*>(memory_.frame(mfn)); }

  // The memory outlives the VM that maps it, the VM its processor.
  MachineMemory memory_;
  KvmVm vm_;
  MonitorSpace monitor_;
  std::unique_ptr<KvmProcessor> processor_;
  pvmmu::Mfn root_, l1_, code_, data_[kDataFrames];
};

}  // namespace vmm
