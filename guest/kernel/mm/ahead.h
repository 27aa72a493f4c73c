// Entries prepared ahead of their use: in mode best, on a hypervisor that fills on demand.
//
// Where a process touches private memory page after page, a fault also prepares the entries behind
// its own, in the same call: empty ones get zeroed frames, those of the swap area get the slot
// itself, which is their page if nobody else has it. The hypervisor makes each of them present at
// its first use, and the fault never comes here.
//
// Invariants
// - What is prepared lies in one window for each address space, in one table and one area.
// - Nobody but faults sees a prepared entry: whoever takes the Mm lock for anything else settles
//   (SettledMm), and then every entry says what it would say without any of this. Used or not is
//   known for sure: the hypervisor makes only those present that were used.
// - An address space that no vCPU runs on has no window, and a fault that finds no memory settles
//   before it gives up: so memory is out when it would be out otherwise.
#pragma once

#include <stdint.h>

#include "mm/address_space.h"
#include "mm/pv/accessors.h"
#include "spinlock.h"

namespace kernel {

// Asks the hypervisor to fill on demand, in mode best; once, at boot.
void ahead_start();

// A fault's entry becomes `value`, and what is behind it is prepared. Not present -> present; no
// flush. With the Mm lock held. False: it did not seem worth it, and nothing was done.
bool ahead_establish(const PtePlace& place, const Vma& area, UserPte value);

// Whether the address is in the window.
bool ahead_covers(const Mm& mm, uint64_t address);

// Withdraws what was prepared and not used; afterwards there is no window. With the Mm lock held,
// or where nobody else uses the address space.
void ahead_settle(Mm& mm);

// The Mm lock, and everything settled.
class SettledMm {
 public:
  explicit SettledMm(Mm& mm) : guard_(mm.lock) { ahead_settle(mm); }

 private:
  SpinlockGuard guard_;
};

}  // namespace kernel
