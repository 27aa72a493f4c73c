// What each architecture makes of a change: predicates without a state of their own, but for
// powerpc with its hash table (powerpc_hash.h).
//
// The state that they judge by is the record's. A model of an architecture judges intents: what the
// accessor would do there. x86 on Xen is what this kernel does, so its model judges stores as well.
#pragma once

#include "guest_abi/pte_rules.h"
#include "mm/pv/user_pte.h"
#include "pte_rules/record_table.h"

namespace kernel::pte_rules {

using guest_abi::PteEvent;
using guest_abi::PteRule;

// An accessor is called on an entry of an address space.
struct Change {
  PteEvent kind = PteEvent::kNone;
  UserPte before;
  UserPte after;
  bool live = false;               // the address space is pinned: processors may be on it
  bool lock_held = false;          // its table's, by this vCPU
  bool lazy = false;               // in lazy mode
  const Record* record = nullptr;  // null: not live, or there was no room

  bool pending(Pending what) const { return record != nullptr && (record->pending & what) != 0; }
};

// How an entry is written for an intent.
struct Store {
  PteEvent kind = PteEvent::kNone;
  PteEvent intent = PteEvent::kNone;
  UserPte before;  // when the intent began
  UserPte after;
  bool plain_stores_trap = false;  // mode emulate: that is how it is meant to be
  bool queued = false;             // an update of this entry waits already,
  bool queued_keeps = false;       // and nobody knows yet which A and D it keeps
};

// The entry loses something that processors may still have cached.
bool takes_away(PteEvent kind);
// Afterwards the entry says nothing of what it was, or is no entry for processors.
bool clears(PteEvent kind);
bool sets(PteEvent kind);

// kNone: nothing is broken.
PteRule judge_common(const Change& change);
PteRule judge_x86_xen(const Change& change);
PteRule judge_x86_xen(const Store& store);
PteRule judge_s390(const Change& change);

}  // namespace kernel::pte_rules
