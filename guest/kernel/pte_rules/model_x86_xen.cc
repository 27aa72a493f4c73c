// x86 on Xen: processors set A and D in the entries whenever they like, and an update is a request
// that may wait in a queue.
#include "pte_rules/models.h"

namespace kernel::pte_rules {
namespace {

bool is_atomic(PteEvent store) {
  return store == PteEvent::kExchange || store == PteEvent::kClearBits;
}

// Whether a processor can set no bit in it that is not there: A is, and D is or cannot be.
bool stands_still(UserPte entry) {
  return entry.accessed() && (entry.dirty() || !entry.writable());
}

// Whether storing over this entry, by a value that was made before, can lose a bit that a processor
// sets meanwhile and that the accessor promises to keep.
bool may_lose(const Store& store) {
  switch (store.intent) {
    case PteEvent::kZap:                 // nobody asks what a page was that goes
    case PteEvent::kClearAccessedDirty:  // an access in between is one before
    case PteEvent::kClean:               // the page is looked at after the flush
    case PteEvent::kReplace:             // another page
      return false;
    case PteEvent::kClearYoung:
      return !stands_still(store.before);
    case PteEvent::kRelax:
      return !store.after.accessed() || (store.before.writable() && !store.after.dirty());
    default:
      return true;
  }
}

// The accessor's answer is what stood in the entry when it changed.
bool answers(const Store& store) {
  return (store.intent == PteEvent::kClearYoung && !stands_still(store.before)) ||
         store.intent == PteEvent::kMoveOut;
}

}  // namespace

PteRule judge_x86_xen(const Change& change) {
  if (!change.live) {
    return PteRule::kNone;
  }
  if (change.pending(kQueued) && change.kind == PteEvent::kRead) {
    return PteRule::kReadBack;
  }
  if (change.lazy && (change.kind == PteEvent::kRelax || change.kind == PteEvent::kReplace)) {
    return PteRule::kFlushedInLazy;
  }
  return PteRule::kNone;
}

PteRule judge_x86_xen(const Store& store) {
  if (store.kind == PteEvent::kPlainStore && !store.plain_stores_trap) {
    return PteRule::kPlainStore;
  }
  if (is_atomic(store.kind)) {
    return store.queued ? PteRule::kReadBack : PteRule::kNone;
  }
  const bool may_change = store.before.present() || store.queued_keeps;
  if (!may_change || store.kind == PteEvent::kQueuedPreserving) {
    return PteRule::kNone;
  }
  if (answers(store) && store.before.present()) {
    return PteRule::kAtomicDeferred;
  }
  return may_lose(store) ? PteRule::kAccessedDirtyLost : PteRule::kNone;
}

}  // namespace kernel::pte_rules
