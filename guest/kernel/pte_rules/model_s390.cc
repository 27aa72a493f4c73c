// s390: a valid entry that another processor may have cached is changed only by an instruction that
// invalidates and flushes it (IPTE), or is marked invalid while the flush of the whole address
// space is owed. A plain store to a valid entry is wrong, whatever it stores.
#include "pte_rules/models.h"

namespace kernel::pte_rules {

PteRule judge_s390(const Change& change) {
  if (!change.live) {
    return PteRule::kNone;
  }
  const bool plain = sets(change.kind) || change.kind == PteEvent::kModifyNaive;
  if (plain && change.before.present()) {
    return PteRule::kNotInvalidated;
  }
  if (sets(change.kind) && change.after.present() && change.pending(kCleared)) {
    return PteRule::kSetBeforeFlush;
  }
  return PteRule::kNone;
}

}  // namespace kernel::pte_rules
