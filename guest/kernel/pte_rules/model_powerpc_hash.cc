// powerpc with a hash table: the processor finds translations in one table of the whole machine,
// and a pte remembers that, and where, it has an entry there (_PAGE_HASHPTE and the slot). Two
// entries for one address are fatal. In lazy mode the flushes of hash entries are batched until it
// is left.
//
// Any valid pte counts as hashed: a processor may have faulted it in since.
#include "pte_rules/models.h"

namespace kernel::pte_rules {
namespace {

// The slot travels with the value, so a value made from nothing has lost it. A, D, the frame and
// what software says stand in for it.
bool came_from(UserPte value, UserPte started) {
  return value.frame() == started.frame() && value.special() == started.special() &&
         (value.accessed() || !started.accessed()) && (value.dirty() || !started.dirty());
}

}  // namespace

PteRule judge_powerpc_hash(const Change& change) {
  if (!change.live) {
    return PteRule::kNone;
  }
  const bool overwrites = sets(change.kind) || change.kind == PteEvent::kModifyNaive;
  if (overwrites && change.before.present()) {
    return PteRule::kSetOverValid;
  }
  if (sets(change.kind) && change.after.present() && change.pending(kHashCleared)) {
    return PteRule::kValidOverHashed;
  }
  if (change.kind == PteEvent::kModifyCommit && change.pending(kOpen) &&
      !came_from(change.after, UserPte(change.record->started))) {
    return PteRule::kHashedStateLost;
  }
  // Cleared, flushed and set anew by one accessor: in lazy mode its flush would wait in the batch.
  if (change.kind == PteEvent::kReplace && change.lazy) {
    return PteRule::kDuplicateHash;
  }
  return PteRule::kNone;
}

}  // namespace kernel::pte_rules
