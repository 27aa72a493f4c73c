// A processor in software: what it executes is code of this process (arch/sim of the guest kernel),
// and what it does with memory goes through a walk or a model of its TLB.
//
// run() switches from the vCPU's loop to the host stack on which the guest was left; the guest
// comes back by leave().
#pragma once

#include <optional>
#include <span>
#include <string>

#include "arch/sim/machine.h"
#include "machine/processor.h"
#include "pvmmu/page_info.h"
#include "sim/page_walker.h"
#include "sim/random.h"
#include "sim/scheduler.h"
#include "sim/tlb.h"

namespace vmm {

// A host stack with code of the guest.
struct GuestThread {
  Fiber fiber;
  std::byte* stack = nullptr;
};

// What the processors of a machine share.
class SimGuest {
 public:
  // The stack on which a vCPU begins with these registers.
  virtual GuestThread& first_thread(unsigned vcpu, const GuestRegisters& registers) = 0;
  // The one that runs now.
  virtual GuestThread& running_thread() = 0;
  // The guest goes on, on this processor and stack.
  virtual void resume(unsigned vcpu, kernel::sim::Registers& registers, GuestThread& thread) = 0;

 protected:
  ~SimGuest() = default;
};

class SimProcessor final : public Processor {
 public:
  SimProcessor(unsigned id, const SimOptions& options, MachineMemory& memory, pvmmu::Mfn idle_root,
               Scheduler& scheduler, SimGuest& guest);
  void set_turn(Scheduler::Turn& turn) { turn_ = &turn; }
  // To look at, for stores that must not be possible.
  void set_frames(std::span<const pvmmu::PageInfo> frames) { frames_ = frames; }

  Trap run(GuestRegisters& registers, EntryPlan plan) override;

  // --- by the guest ---
  void leave(GuestThread& thread, kernel::sim::Cause cause, uint64_t address, uint32_t error_code);
  // The word at an aligned address, or nullptr: a page fault.
  uint64_t* access(pvmmu::LinearAddr address, bool write, uint32_t& error_code);
  // One operation of a program. True: it is somebody else's turn.
  bool slice_is_over() { return slice_ == 0 || --slice_ == 0; }
  // Others may go on here.
  void at_point(const SchedulePoint& point);
  // The vCPU's loop has to look around, or the run is over.
  bool must_leave() const { return attention_asked_ || scheduler_.stopped(); }
  pvmmu::Mfn root() const { return root_; }
  // The machine stops with this message; the guest's code is never gone on with.
  void fail(std::string failure);

  // A change is visible at once, and nobody is ever inside the guest while another looks.
  absl::Status touch(std::span<const uint64_t>) override { return absl::OkStatus(); }
  pvmmu::Mfn hardware_root() const override { return idle_root_; }
  void move_to_root(pvmmu::Mfn) override {}
  absl::Status set_msr(uint32_t index, uint64_t value) override;
  absl::StatusOr<uint64_t> msr(uint32_t index) override;
  void owe_flush() override { tlb_.flush_all(); }
  void owe_flush_of_page(pvmmu::LinearAddr page) override { tlb_.flush_page(page); }
  bool in_guest() const override { return false; }
  void kick() override {}
  void ask_attention() override { attention_asked_ = true; }
  void attention_given() override { attention_asked_ = false; }
  void wait_until_flushed() override {}
  void bind_to_this_thread() override {}
  uint64_t kicks() const override { return 0; }
  uint64_t exits(unsigned) const override { return 0; }

 private:
  bool speculates() const { return options_.tlb.kind == SimTlb::Kind::kSpeculative; }
  bool behaves_at_random() const {
    return speculates() || options_.tlb.kind == SimTlb::Kind::kRandom;
  }
  bool misbehave(pvmmu::LinearAddr address, bool write, uint32_t& error_code);
  void walk_ahead(pvmmu::LinearAddr address);
  PageWalk walk(pvmmu::LinearAddr address, bool write);
  void check_table(pvmmu::Mfn table);
  void check_store(pvmmu::LinearAddr address, pvmmu::Mfn frame);

  const unsigned id_;
  const SimOptions options_;
  MachineMemory& memory_;
  const pvmmu::Mfn idle_root_;
  Scheduler& scheduler_;
  SimGuest& guest_;
  Scheduler::Turn* turn_ = nullptr;
  std::span<const pvmmu::PageInfo> frames_;
  PageWalker walker_;
  Tlb tlb_;
  Random random_;

  kernel::sim::Registers registers_{};
  GuestThread* thread_ = nullptr;  // where the guest was left
  Trap trap_;                      // why
  bool relaxes_ = false;           // because it waits for others
  pvmmu::Mfn root_ = pvmmu::kInvalidMfn;
  unsigned slice_ = 0;
  bool attention_asked_ = false;
  std::string failure_;
  uint64_t fs_base_ = 0, gs_base_ = 0, kernel_gs_base_ = 0;
};

}  // namespace vmm
