// A vCPU as the VMM uses it: runs a context at CPL3 until it traps. What that takes is the
// engine's.
//
// Locks: run() and touch() are for the owning thread only; owe_flush(), kick() and
// wait_until_flushed() may be called by any thread.
//
// A flush that is owed is paid before the vCPU executes another instruction at CPL3. Whoever owes
// one to a vCPU sets the debt first, kicks, and waits until the vCPU is outside the guest or has
// paid; the vCPU needs no lock to get there.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/frame.h"
#include "base/linear_addr.h"
#include "machine/guest_registers.h"

namespace vmm {

struct Trap {
  enum class Kind {
    kException,   // vector, error_code, and cr2 for #PF
    kSyscall,     // a `syscall` instruction; rip is behind it
    kKicked,      // left because somebody asked; the registers are those at the point of leaving
    kBadContext,  // the selectors, rip or rsp of the registers cannot be loaded; they are as they
                  // were
    kFailed,      // the engine failed: `failure` says how
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
  virtual ~Processor() = default;

  // Enters CPL3 with `registers` and stays until a trap, whose context it leaves there.
  virtual Trap run(GuestRegisters& registers, EntryPlan plan) = 0;
  // Touches entries from ring 0 now, and comes back. For several vCPUs, where nobody may go on
  // before it is done. Only where a shadow MMU must be told of changes.
  virtual absl::Status touch(std::span<const uint64_t> entry_addresses) = 0;

  // The root that CR3 holds. Ring 0 starts on it, so its hypervisor slots must be in place.
  virtual pvmmu::Mfn hardware_root() const = 0;
  // Puts another root into CR3 from outside, before the next instruction.
  virtual void move_to_root(pvmmu::Mfn root) = 0;

  virtual absl::Status set_msr(uint32_t index, uint64_t value) = 0;
  virtual absl::StatusOr<uint64_t> msr(uint32_t index) = 0;

  // All translations, or that of one page and the upper levels of every walk. Dropping more than
  // was asked is allowed.
  virtual void owe_flush() = 0;
  virtual void owe_flush_of_page(pvmmu::LinearAddr) { owe_flush(); }
  virtual bool in_guest() const = 0;
  // Makes a vCPU that is in the guest leave it soon.
  virtual void kick() = 0;
  // Makes the vCPU's thread look around before it executes anything more at CPL3: kicks it, or ends
  // the run that it is about to begin. Any thread; after what there is to see was written.
  virtual void ask_attention() = 0;
  // The thread is about to look around.
  virtual void attention_given() = 0;
  // Waits until the vCPU is outside the guest or has paid its flush.
  virtual void wait_until_flushed() = 0;
  // The owning thread calls it once, before anybody may kick.
  virtual void bind_to_this_thread() = 0;
  virtual uint64_t kicks() const = 0;
  // How often it left the guest for this reason of KVM's.
  virtual uint64_t exits(unsigned reason) const = 0;
};

}  // namespace vmm
