// The machine that the simulated kernel sees, and the stacks that its threads run on.
//
// The kernel's data (all that is writable in this program) and its stacks become frames of the
// machine that the hypervisor lends to the guest, and appear in slot 264 of every address space:
// so the hypervisor reads arguments and writes results through walks of the guest's tables, as it
// does for any guest.
#pragma once

#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "arch/sim/machine.h"
#include "machine/engine.h"
#include "sim/host_pages.h"
#include "sim/sim_processor.h"
#include "sim/user_program.h"
#include "sim/virtual_time.h"

namespace vmm {

class SimMachine final : public SimGuest, public kernel::sim::Machine {
 public:
  static absl::StatusOr<std::unique_ptr<SimMachine>> create(VirtualTime& time,
                                                            const SimOptions& options);

  // Tables that the windows take.
  static uint64_t window_tables();
  void add_windows(MachineMemory& memory, MonitorSpace& monitor);
  // The domain's frames lie side by side in the order of their pfns.
  void place_domain(MachineMemory& memory, pvmmu::Mfn first, uint64_t count);
  // InvalidArgument: not the built-in guest.
  absl::Status prepare(const BuiltDomain& domain);
  void add_processor(SimProcessor& processor) { processors_.push_back(&processor); }

  // SimGuest
  GuestThread& first_thread(unsigned vcpu, const GuestRegisters& registers) override;
  GuestThread& running_thread() override { return *running_; }
  void resume(unsigned vcpu, kernel::sim::Registers& registers, GuestThread& thread) override;

  // kernel::sim::Machine
  void leave(kernel::sim::Cause cause, uint64_t address, uint32_t error_code) override;
  uint64_t* access(uint64_t linear, bool write, uint32_t& error_code) override;
  void yield_point(kernel::YieldPoint point, const void* what,
                   const uint64_t (&callers)[8]) override;
  void prepare_thread(uint64_t stack_top, void (*entry)()) override;
  void switch_to_thread(uint64_t stack_top) override;
  [[noreturn]] void run_user() override;
  uint64_t read_tsc() override { return time_.now(); }
  [[noreturn]] void fail(const char* what) override;

 private:
  SimMachine(VirtualTime& time, const SimOptions& options, HostPages stacks)
      : time_(time), options_(options), stacks_(std::move(stacks)) {}
  GuestThread& thread(uint64_t stack_top);
  void prepare(GuestThread& thread, void (*entry)());

  VirtualTime& time_;
  const SimOptions& options_;
  HostPages stacks_;
  kernel::sim::Layout layout_;
  absl::flat_hash_map<uint64_t, std::unique_ptr<GuestThread>> threads_;  // by stack_top
  std::vector<SimProcessor*> processors_;
  SimProcessor* current_ = nullptr;
  GuestThread* running_ = nullptr;
  std::unique_ptr<UserProgram> program_;
};

}  // namespace vmm
