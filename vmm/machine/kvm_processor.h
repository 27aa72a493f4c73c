// A vCPU of KVM, and the way through the monitor into CPL3 and back.
//
// Owns the KVM vCPU and knows the monitor's entry points. A flush that is owed is paid by a CR3
// load on the way in, which drops everything.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kvm/kvm_vcpu.h"
#include "machine/monitor_space.h"
#include "machine/processor.h"

namespace vmm {

class KvmProcessor final : public Processor {
 public:
  static absl::StatusOr<std::unique_ptr<KvmProcessor>> create(const KvmVm& vm, unsigned id,
                                                              MonitorSpace& monitor);

  Trap run(GuestRegisters& registers, EntryPlan plan) override;
  absl::Status touch(std::span<const uint64_t> entry_addresses) override;
  // One bare round trip from ring 0 (for measurements).
  absl::Status bare_round_trip();

  pvmmu::Mfn hardware_root() const override;
  void move_to_root(pvmmu::Mfn root) override;

  absl::Status set_msr(uint32_t index, uint64_t value) override;
  absl::StatusOr<uint64_t> msr(uint32_t index) override;

  void owe_flush() override { flush_owed_.store(true); }
  bool in_guest() const override { return in_guest_.load(); }
  void kick() override;
  void ask_attention() override;
  void attention_given() override { attention_asked_.store(false); }
  void wait_until_flushed() override;
  void bind_to_this_thread() override;
  uint64_t kicks() const override { return kicks_.load(); }
  uint64_t exits(unsigned reason) const override { return exits_[reason % kExitReasons]; }
  static constexpr unsigned kExitReasons = 64;

 private:
  KvmProcessor(KvmVcpu vcpu, unsigned id, MonitorSpace& monitor)
      : vcpu_(std::move(vcpu)), id_(id), monitor_(monitor) {}
  absl::Status initialise();
  Trap run_to_exit(GuestRegisters& registers, EntryPlan plan);
  void prepare_entry(const GuestRegisters& registers, const EntryPlan& plan);
  void prepare_ring0(uint64_t rip);
  void load_touch_list(std::span<const uint64_t> maddrs);
  void push(uint64_t value);
  int enter_once();
  bool must_finish_delivery() const;
  bool soft_exception_noted() const;
  Trap not_begun(EntryPlan& plan);
  Trap interrupted(GuestRegisters& registers, EntryPlan& plan);
  Trap decode_exit(GuestRegisters& registers);
  Trap decode_exception(GuestRegisters& registers, unsigned vector);
  absl::Status run_service(uint64_t entry);

  KvmVcpu vcpu_;
  unsigned id_;
  MonitorSpace& monitor_;
  pthread_t thread_{};
  std::atomic<bool> bound_{false};
  std::atomic<bool> in_guest_{false};
  std::atomic<bool> flush_owed_{false};
  std::atomic<bool> attention_asked_{false};
  std::atomic<uint64_t> kicks_{0};
  uint64_t exits_[kExitReasons] = {};
  pvmmu::Mfn loaded_root_;            // what CR3 holds, or invalid if it is to be loaded again
  bool at_ring0_ = true;              // where KVM's state of the vCPU stands
  bool swap_unfinished_ = false;      // an interrupted entry did not yet exchange the GS bases
  std::vector<uint64_t> unfinished_;  // touches of an interrupted entry
};

// Installs the handler of the signal that kicks use; once per process, before any vCPU runs.
absl::Status install_kick_handler();

}  // namespace vmm
