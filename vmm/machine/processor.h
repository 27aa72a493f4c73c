// A vCPU as the VMM uses it: runs a context at CPL3 until it traps.
//
// Owns the KVM vCPU and knows the monitor's entry points; knows nothing of guests' interfaces.
// Locks: run() and touch() are for the owning thread only; owe_flush(), kick() and
// wait_until_flushed() may be called by any thread.
//
// A flush that is owed is paid before the vCPU executes another instruction at CPL3. Whoever owes
// one to a vCPU sets the debt first, kicks, and waits until the vCPU is outside KVM_RUN or has
// paid; the vCPU needs no lock to get there.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/frame.h"
#include "kvm/kvm_vcpu.h"
#include "machine/guest_registers.h"
#include "machine/monitor_space.h"

namespace vmm {

struct Trap {
  enum class Kind {
    kException,   // vector, error_code, and cr2 for #PF
    kSyscall,     // a `syscall` instruction; rip is behind it
    kKicked,      // left because somebody asked; the registers are those at the point of leaving
    kBadContext,  // the selectors, rip or rsp of the registers cannot be loaded; they are as they
                  // were
    kFailed,      // KVM or the monitor failed: `failure` says how
  };
  Kind kind = Kind::kKicked;
  unsigned vector = 0;
  uint64_t error_code = 0;
  uint64_t cr2 = 0;
  std::string failure;
};

// What is to be done at ring 0 on the way to CPL3.
struct EntryPlan {
  pvmmu::Mfn root;                // the L4 to run on
  bool swap_gs = false;           // exchange the GS bases (kernel <-> user)
  std::vector<uint64_t> touches;  // maddrs of entries that a shadow MMU must be told of
};

class Processor {
 public:
  static absl::StatusOr<std::unique_ptr<Processor>> create(const KvmVm& vm, unsigned id,
                                                           MonitorSpace& monitor);

  // Enters CPL3 with `registers` and stays until a trap, whose context it leaves there.
  Trap run(GuestRegisters& registers, EntryPlan plan);
  // Touches entries from ring 0 now, and comes back. For several vCPUs, where nobody may go on
  // before it is done.
  absl::Status touch(std::span<const uint64_t> entry_addresses);
  // One bare round trip from ring 0 (for measurements).
  absl::Status bare_round_trip();

  // The root that CR3 holds. Ring 0 starts on it, so its hypervisor slots must be in place.
  pvmmu::Mfn hardware_root() const;
  // Puts another root into CR3 from outside, before the next instruction.
  void move_to_root(pvmmu::Mfn root);

  absl::Status set_msr(uint32_t index, uint64_t value);
  absl::StatusOr<uint64_t> msr(uint32_t index);

  void owe_flush() { flush_owed_.store(true); }
  bool in_guest() const { return in_guest_.load(); }
  // Makes a vCPU that is in KVM_RUN leave it soon.
  void kick();
  // Makes the vCPU's thread look around before it executes anything more at CPL3: kicks it, or ends
  // the run that it is about to begin. Any thread; after what there is to see was written.
  void ask_attention();
  // The thread is about to look around.
  void attention_given() { attention_asked_.store(false); }
  // Waits until the vCPU is outside KVM_RUN or has paid its flush.
  void wait_until_flushed();
  // The owning thread calls it once, before anybody may kick.
  void bind_to_this_thread();
  uint64_t kicks() const { return kicks_.load(); }
  uint64_t exits(unsigned reason) const { return exits_[reason % kExitReasons]; }
  static constexpr unsigned kExitReasons = 64;

 private:
  Processor(KvmVcpu vcpu, unsigned id, MonitorSpace& monitor)
      : vcpu_(std::move(vcpu)), id_(id), monitor_(monitor) {}
  absl::Status initialise();
  Trap run_to_exit(GuestRegisters& registers, EntryPlan plan);
  void prepare_entry(const GuestRegisters& registers, const EntryPlan& plan);
  void prepare_ring0(uint64_t rip);
  void load_touch_list(std::span<const uint64_t> maddrs);
  void push(uint64_t value);
  int enter_once();
  bool must_finish_delivery() const;
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
