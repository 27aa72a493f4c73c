// What every architecture asks of the mm.
#include "pte_rules/models.h"

namespace kernel::pte_rules {
namespace {

bool accepts(const Change& change) {
  const UserPte before = change.before;
  const UserPte after = change.after;
  switch (change.kind) {
    case PteEvent::kEstablish:
      return !after.hidden();
    case PteEvent::kRelax:
      return before.present() && after.present();
    case PteEvent::kReplace:
      return before.present() && after.present() && before.frame() != after.frame();
    case PteEvent::kZap:
      return !before.hidden() || !before.accessed();  // what was prepared and never used may go
    case PteEvent::kWriteProtect:
      return before.writable();
    case PteEvent::kClearYoung:
      return before.present() || before.hidden();
    case PteEvent::kHide:
      return before.present() || before.prepared();
    case PteEvent::kClearAccessedDirty:
    case PteEvent::kClean:
      return before.present();
    case PteEvent::kMoveOut:
      return !before.none();
    case PteEvent::kMoveIn:
      return before.none() && !after.hidden();
    case PteEvent::kModifyStart:
      return before.has_frame() && !before.hidden();
    case PteEvent::kModifyCommit:
      return after.has_frame() && !after.hidden();
    default:
      return true;
  }
}

bool only_relaxes(UserPte before, UserPte after) {
  return before.frame() == after.frame() && before.special() == after.special() &&
         (after.writable() || !before.writable()) && (after.executable() || !before.executable()) &&
         (after.accessed() || !before.accessed()) && (after.dirty() || !before.dirty());
}

bool pairs(const Change& change) {
  const bool open = change.pending(kOpen);
  switch (change.kind) {
    case PteEvent::kModifyCommit:
      return open || change.record == nullptr;
    case PteEvent::kModifyDropped:
      return false;
    default:
      return !open;
  }
}

}  // namespace

bool takes_away(PteEvent kind) {
  switch (kind) {
    case PteEvent::kZap:
    case PteEvent::kWriteProtect:
    case PteEvent::kClearYoung:
    case PteEvent::kClearAccessedDirty:
    case PteEvent::kClean:
    case PteEvent::kHide:
    case PteEvent::kMoveOut:
    case PteEvent::kModifyStart:
    case PteEvent::kModifyNaive:
      return true;
    default:
      return false;
  }
}

bool clears(PteEvent kind) {
  return kind == PteEvent::kZap || kind == PteEvent::kHide || kind == PteEvent::kMoveOut;
}

bool sets(PteEvent kind) {
  return kind == PteEvent::kEstablish || kind == PteEvent::kMoveIn;
}

PteRule judge_common(const Change& change) {
  if (change.live && !change.lock_held) {
    return PteRule::kLock;
  }
  if (!pairs(change)) {
    return PteRule::kTransaction;
  }
  if (!accepts(change)) {
    return PteRule::kStates;
  }
  if (change.kind == PteEvent::kRelax && !only_relaxes(change.before, change.after)) {
    return PteRule::kOnlyRelaxes;
  }
  return PteRule::kNone;
}

}  // namespace kernel::pte_rules
