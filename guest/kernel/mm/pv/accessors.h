// How the mm reads and changes the entries of L1 tables: in words of what it wants.
//
// All are called with the table's lock held, except on an address space that nobody else can see.
// On an address space that is not pinned they are plain memory accesses. On a pinned one they go
// the way of the mode: trapped stores (emulate), a hypercall each (single), or queued in lazy
// sections (lazy, batched, best). Which entry states each accepts stands with it; "flush" says who
// owes one. A queued update is visible in memory when the lazy section is left.
#pragma once

#include <stddef.h>
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

// Present -> the same page with more rights, or with A and D set for an access that the kernel
// makes in the processor's place. Flushed on return, so not in a lazy section.
void pte_relax_access(const PtePlace& place, UserPte value);
// Present -> another page: the copy of what was written to. Flushed as above.
void pte_replace_page(const PtePlace& place, UserPte value);

// Any but hidden -> none. Caller owes a flush if the entry was present. May be deferred. A and D
// that the processor sets meanwhile are lost: nobody asks what a page was that goes, and a file's
// page was noted as dirty before its entry became writable.
void pte_zap(const PtePlace& place);

// Present and writable, read as `old` -> without the write right; A and D are kept. Caller owes a
// flush. May be deferred from mode batched on.
void pte_write_protect(const PtePlace& place, UserPte old);

// Clears A if it is set, keeps D; true if it was. Caller owes a flush. No request of the
// hypervisor's interface clears A and keeps a D that a processor sets meanwhile, so this is never
// deferred but in mode best, which takes two sections: in the first, pte_prepare_young hides what
// could become dirty; in the second, A and D stand still. In the others preparing does nothing.
void pte_prepare_young(const PtePlace& place, UserPte old);
bool pte_test_and_clear_young(const PtePlace& place);

// Present, read as `old` -> A and D clear, the rest the same. Caller owes a flush. May be deferred
// from mode batched on: an access that slips in between read and update is one before it.
void pte_clear_accessed_dirty(const PtePlace& place, UserPte old);

// Present, read as `old` -> not writable and D clear, the rest the same: the page is about to be
// written back. Caller owes a flush, and looks at the page only after that: then what a processor
// wrote in between is part of what is written back. May be deferred from mode batched on.
void pte_clean(const PtePlace& place, UserPte old);

// Present, read as `old` -> hidden, with the A and D that the processors set until then. Caller
// owes a flush. May be deferred from mode batched on. Also prepared -> hidden, where A says whether
// the hypervisor had made it present before.
void pte_hide(const PtePlace& place, UserPte old);

// A move of whatever an entry says to a place that is none, in the same address space, keeping A
// and D. In mode batched it takes two sections: in the first, pte_prepare_move hides what is
// present; in the second, where A and D stand still, pte_move reads and queues both updates. In
// the others, preparing does nothing, and pte_move takes the entry out atomically, so that it
// cannot be batched. Returns what moved. The caller owes a flush of what was present.
void pte_prepare_move(const PtePlace& place, UserPte old);
UserPte pte_move(const PtePlace& from, const PtePlace& to);

// Any -> any by read, change and a plain update: loses A and D that the processor sets in between.
// Wrong on purpose, to show that the test of PteModification can fail. Caller owes a flush.
void pte_modify_naive(const PtePlace& place, UserPte value);

#ifdef PTE_RULES_SEEDED_BUILD
// What Linux had before it had a transaction: takes the entry out. There is none such here.
UserPte pte_get_and_clear(const PtePlace& place);
#endif

// A change of rights: has a page -> has a page, keeping A and D that the processor sets while it is
// open. Must be committed exactly once, with the table's lock held all the time. Caller owes a
// flush. In mode batched it reads, and commits by an update that preserves A and D, which may be
// deferred; in the others it takes the entry out atomically, so that it cannot be batched.
class PteModification {
 public:
  [[nodiscard]] explicit PteModification(const PtePlace& place);
  static void* operator new(size_t) = delete;  // lives in one hold of the lock
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
