// How the mm reads and changes the entries of L1 tables: in words of what it wants.
//
// All are called with the table's lock held, except on an address space that nobody else can see.
// On an address space that is not pinned they are plain memory accesses. On a pinned one they go
// the way of the mode: trapped stores (emulate), a hypercall each (single), or queued in lazy
// sections (lazy, batched). Which entry states each accepts stands with it; "flush" says who owes
// one. A queued update is visible in memory when the lazy section is left.
#pragma once

#include <stdint.h>

#include "base/linear_addr.h"
#include "mm/address_space.h"
#include "mm/page.h"
#include "mm/pv/user_pte.h"

namespace kernel {

// One entry of an L1 table of the user half, and the page that it maps.
struct PtePlace {
  Mm& mm;
  Page& table;
  uint64_t address;

  unsigned index() const { return pvmmu::LinearAddr(address).index(pvmmu::PtLevel::kL1); }
};

// The entry as it stands in memory; the processor may set A and D at any time.
UserPte pte_read(const PtePlace& place);

// Not present -> any. No flush. May be deferred.
void pte_establish(const PtePlace& place, UserPte value);

// Present -> present: more rights, or another page. Flushed on return, so not in a lazy section.
void pte_replace_and_flush(const PtePlace& place, UserPte value);

// Has a page -> none. Caller owes a flush if the entry was present. May be deferred. A and D set
// by the processor meanwhile are lost: the memory of these mappings has no backing store.
void pte_zap(const PtePlace& place);

// Present and writable, read as `old` -> without the write right; A and D are kept. Caller owes a
// flush. May be deferred in mode batched.
void pte_write_protect(const PtePlace& place, UserPte old);

// Clears A if it is set, keeps D; true if it was. Caller owes a flush. Never deferred: no request
// of the hypervisor's interface keeps D while it clears A.
bool pte_test_and_clear_young(const PtePlace& place);

// Present, read as `old` -> A and D clear, the rest the same. Caller owes a flush. May be deferred
// in mode batched: an access that slips in between read and update is one before it.
void pte_clear_accessed_dirty(const PtePlace& place, UserPte old);

// Any -> any by read, change and a plain update: loses A and D that the processor sets in between.
// Wrong on purpose, to show that the test of PteModification can fail. Caller owes a flush.
void pte_modify_naive(const PtePlace& place, UserPte value);

// A change of rights: has a page -> has a page, keeping A and D that the processor sets while it is
// open. Must be committed exactly once, with the table's lock held all the time. Caller owes a
// flush. In mode batched it reads, and commits by an update that preserves A and D, which may be
// deferred; in the others it takes the entry out atomically, so that it cannot be batched.
class PteModification {
 public:
  explicit PteModification(const PtePlace& place);
  PteModification(PteModification&& other) noexcept : place_(other.place_), old_(other.old_) {
    committed_ = other.committed_;
    other.committed_ = true;
  }
  PteModification& operator=(PteModification&&) = delete;
  ~PteModification();

  UserPte old() const { return old_; }
  void commit(UserPte value);

 private:
  PtePlace place_;
  UserPte old_;
  bool committed_ = false;
};

}  // namespace kernel
