// What an entry of an L1 table of the user half can say, and how x86 spells it.
//
//   none      0
//   present   frame, writable or not, executable or not, A and D as the processor found
//   blocked   the page is there but PROT_NONE keeps the process out: not present, the global bit
//             (which means nothing in an entry that is not present) set, frame, A and D kept in
//             place, so that an update that preserves A and D also does so on the way here
//   hidden    a present entry but for the present bit: taken away from the processors for a moment,
//             while a page is moved or swapped out. Never outside one operation under the Mm lock
//   prepared  what the entry will be at its first use, which the hypervisor will make of it without
//             asking: none or swapped to everybody else, and to be settled before anybody else
//             looks (mm/ahead.h)
//   swapped   the page is in the swap area: a slot (a pfn) in place of the frame, and whether the
//             process may write the page when it is back (`exclusive`: nobody else has the slot)
//
// The first three may be special: of a frame that is no page of the allocator's (a device's), so
// that nobody counts references to it. Frames are machine frames: guest memory does not move to
// other machines here.
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
  static constexpr UserPte make_special(pvmmu::Mfn frame, uint64_t prot) {
    return UserPte(make(frame, prot, true).raw() | kSpecial);
  }
  static constexpr UserPte make_swapped(pvmmu::Pfn slot, bool exclusive) {
    const uint64_t writable = exclusive ? pvmmu::kPteWritable : 0;
    return UserPte(pvmmu::L1Pte(pvmmu::Mfn(slot.raw()), kSwapped | writable).raw());
  }

  constexpr uint64_t raw() const { return bits_; }
  constexpr bool none() const { return bits_ == 0; }
  constexpr bool present() const { return (bits_ & pvmmu::kPtePresent) != 0; }
  constexpr bool swapped() const { return !present() && (bits_ & kSwapped) != 0; }
  constexpr bool blocked() const { return !present() && (bits_ & kBlocked) != 0; }
  constexpr bool prepared() const { return !present() && (bits_ & pvmmu::kPteOnDemand) != 0; }
  constexpr bool hidden() const {
    return !present() && !prepared() && (bits_ & pvmmu::kPteUser) != 0;
  }
  constexpr bool special() const { return has_frame() && (bits_ & kSpecial) != 0; }
  constexpr bool has_frame() const { return present() || blocked() || hidden(); }
  // Names a frame of the allocator's, and has a reference of it.
  constexpr bool has_page() const { return has_frame() && !special(); }
  constexpr bool writable() const { return present() && (bits_ & pvmmu::kPteWritable) != 0; }
  constexpr bool executable() const { return present() && (bits_ & pvmmu::kPteNoExecute) == 0; }
  constexpr bool accessed() const { return has_frame() && (bits_ & pvmmu::kPteAccessed) != 0; }
  constexpr bool dirty() const { return has_frame() && (bits_ & pvmmu::kPteDirty) != 0; }
  constexpr pvmmu::Mfn frame() const { return pvmmu::L1Pte(bits_).frame(); }
  // Of a swapped entry.
  constexpr pvmmu::Pfn slot() const { return pvmmu::Pfn(frame().raw()); }
  constexpr bool exclusive() const { return swapped() && (bits_ & pvmmu::kPteWritable) != 0; }

  constexpr UserPte with_accessed() const { return UserPte(bits_ | pvmmu::kPteAccessed); }
  constexpr UserPte with_dirty() const { return UserPte(bits_ | pvmmu::kPteAccessedDirty); }
  constexpr UserPte without_accessed() const { return UserPte(bits_ & ~pvmmu::kPteAccessed); }
  constexpr UserPte without_accessed_dirty() const {
    return UserPte(bits_ & ~pvmmu::kPteAccessedDirty);
  }
  // Also of a swapped entry, which is not exclusive then.
  constexpr UserPte write_protected() const { return UserPte(bits_ & ~pvmmu::kPteWritable); }
  constexpr UserPte cleaned() const {
    return UserPte(bits_ & ~(pvmmu::kPteWritable | pvmmu::kPteDirty));
  }
  constexpr UserPte to_hidden() const { return UserPte(bits_ & ~pvmmu::kPtePresent); }
  constexpr UserPte to_present() const { return UserPte(bits_ | pvmmu::kPtePresent); }
  constexpr UserPte to_prepared() const { return UserPte(to_hidden().bits_ | pvmmu::kPteOnDemand); }
  // A prepared entry that waits no more.
  constexpr UserPte withdrawn() const { return UserPte(bits_ & ~pvmmu::kPteOnDemand); }
  // Other rights, the same page, A and D.
  constexpr UserPte with_rights(uint64_t prot, bool may_write) const {
    constexpr uint64_t kKept = pvmmu::kPteAccessedDirty | kSpecial;
    return UserPte(make(frame(), prot, may_write).raw() | (bits_ & kKept));
  }

  friend constexpr bool operator==(UserPte, UserPte) = default;

 private:
  static constexpr uint64_t kBlocked = pvmmu::kPteGlobal;
  // Two of the bits that are software's.
  static constexpr uint64_t kSpecial = uint64_t{1} << 9;
  static constexpr uint64_t kSwapped = uint64_t{1} << 10;
  static_assert(((kSpecial | kSwapped) & ~pvmmu::kPteAvailable) == 0);
  static_assert(((kSpecial | kSwapped) & pvmmu::kPteOnDemand) == 0);
  uint64_t bits_ = 0;
};

static_assert(UserPte().none() && !UserPte().has_page());
static_assert(UserPte::make(pvmmu::Mfn(5), guest_abi::kProtWrite, true).writable());
static_assert(!UserPte::make(pvmmu::Mfn(5), guest_abi::kProtWrite, false).writable());
static_assert(UserPte::make(pvmmu::Mfn(5), 0, true).blocked());
static_assert(UserPte::make(pvmmu::Mfn(0), 0, true).has_page());
static_assert(UserPte::make(pvmmu::Mfn(5), 1, true).with_dirty().with_rights(0, true).dirty());
static_assert(UserPte::make(pvmmu::Mfn(5), 1, true).to_hidden().hidden());
static_assert(!UserPte::make(pvmmu::Mfn(5), 0, true).hidden());
static_assert(UserPte::make(pvmmu::Mfn(5), 1, true).to_prepared().prepared());
static_assert(!UserPte::make(pvmmu::Mfn(5), 1, true).to_prepared().has_frame());
static_assert(UserPte::make(pvmmu::Mfn(5), 1, true).to_prepared().withdrawn().hidden());
static_assert(!UserPte::make_special(pvmmu::Mfn(5), 3).has_page());
static_assert(UserPte::make_special(pvmmu::Mfn(5), 3).with_rights(0, true).special());
static_assert(UserPte::make_swapped(pvmmu::Pfn(5), true).exclusive());
static_assert(!UserPte::make_swapped(pvmmu::Pfn(0), false).none());
static_assert(!UserPte::make_swapped(pvmmu::Pfn(5), true).has_frame());
static_assert(!UserPte::make_swapped(pvmmu::Pfn(5), true).write_protected().exclusive());

}  // namespace kernel
