// What an entry of an L1 table of the user half can say, and how x86 spells it.
//
//   none      0
//   present   frame, writable or not, executable or not, A and D as the processor found
//   blocked   the page is there but PROT_NONE keeps the process out: not present, the global bit
//             (which means nothing in an entry that is not present) set, frame, A and D kept in
//             place, so that an update that preserves A and D also does so on the way here
//
// Frames are machine frames in all states: guest memory does not move to other machines here.
#pragma once

#include <stdint.h>

#include "base/pte.h"
#include "guest_abi/syscall.h"

namespace kernel {

class UserPte {
 public:
  constexpr UserPte() = default;
  constexpr explicit UserPte(uint64_t bits) : bits_(bits) {}

  // The entry for a page with these rights, not accessed and clean. `may_write` says whether the
  // write right (if prot has it) may stand in the entry now; without it the first write faults.
  static constexpr UserPte make(pvmmu::Mfn frame, uint64_t prot, bool may_write) {
    uint64_t flags = kBlocked;
    if (prot != 0) {
      flags = pvmmu::kPtePresent | pvmmu::kPteUser;
      if ((prot & guest_abi::kProtWrite) != 0 && may_write) {
        flags |= pvmmu::kPteWritable;
      }
      if ((prot & guest_abi::kProtExec) == 0) {
        flags |= pvmmu::kPteNoExecute;
      }
    }
    return UserPte(pvmmu::L1Pte(frame, flags).raw());
  }

  constexpr uint64_t raw() const { return bits_; }
  constexpr bool none() const { return bits_ == 0; }
  constexpr bool present() const { return (bits_ & pvmmu::kPtePresent) != 0; }
  constexpr bool blocked() const { return !present() && (bits_ & kBlocked) != 0; }
  constexpr bool has_page() const { return present() || blocked(); }
  constexpr bool writable() const { return present() && (bits_ & pvmmu::kPteWritable) != 0; }
  constexpr bool executable() const { return present() && (bits_ & pvmmu::kPteNoExecute) == 0; }
  constexpr bool accessed() const { return (bits_ & pvmmu::kPteAccessed) != 0; }
  constexpr bool dirty() const { return (bits_ & pvmmu::kPteDirty) != 0; }
  constexpr pvmmu::Mfn frame() const { return pvmmu::L1Pte(bits_).frame(); }

  constexpr UserPte with_accessed() const { return UserPte(bits_ | pvmmu::kPteAccessed); }
  constexpr UserPte with_dirty() const { return UserPte(bits_ | pvmmu::kPteAccessedDirty); }
  constexpr UserPte without_accessed() const { return UserPte(bits_ & ~pvmmu::kPteAccessed); }
  constexpr UserPte without_accessed_dirty() const {
    return UserPte(bits_ & ~pvmmu::kPteAccessedDirty);
  }
  constexpr UserPte write_protected() const { return UserPte(bits_ & ~pvmmu::kPteWritable); }
  // Other rights, the same page, A and D.
  constexpr UserPte with_rights(uint64_t prot, bool may_write) const {
    return UserPte(make(frame(), prot, may_write).raw() | (bits_ & pvmmu::kPteAccessedDirty));
  }
  // True if a processor that holds this translation cached must be told when it becomes `next`.
  constexpr bool flush_owed_for(UserPte next) const { return present() && bits_ != next.bits_; }

  friend constexpr bool operator==(UserPte, UserPte) = default;

 private:
  static constexpr uint64_t kBlocked = pvmmu::kPteGlobal;
  uint64_t bits_ = 0;
};

static_assert(UserPte().none() && !UserPte().has_page());
static_assert(UserPte::make(pvmmu::Mfn(5), guest_abi::kProtWrite, true).writable());
static_assert(!UserPte::make(pvmmu::Mfn(5), guest_abi::kProtWrite, false).writable());
static_assert(UserPte::make(pvmmu::Mfn(5), 0, true).blocked());
static_assert(UserPte::make(pvmmu::Mfn(0), 0, true).has_page());
static_assert(UserPte::make(pvmmu::Mfn(5), 1, true).with_dirty().with_rights(0, true).dirty());

}  // namespace kernel
