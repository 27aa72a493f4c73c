// How requests of an array stop half-way, and go on.
#include "pvmmu/continuation.h"

#include "pvmmu/mmu.h"

namespace pvmmu {

int64_t Mmu::preempt(Continuation& saved, uint32_t index) {
  saved.index = index;
  return kPreempted;
}

Errno Mmu::conclude_request(Call& call, Continuation& saved, const Continuation::Request& request,
                            Errno error) {
  saved.request = request;
  if (error == kRestart) {
    saved.stage = Continuation::Stage::kAgain;
    return kRestart;
  }
  saved.error = error;
  if (error != Errno::kOk) saved.refusal = call.refusal;
  return tear_down_rest(call, saved);
}

// The request is decided; only then comes what it leaves to tear down.
Errno Mmu::tear_down_rest(Call& call, Continuation& saved) {
  if (types_.finish(call) != Errno::kOk) {
    saved.frame = types_.take_unfinished();
    saved.stage = Continuation::Stage::kTearDown;
    return kRestart;
  }
  if (saved.error != Errno::kOk) call.refusal = saved.refusal;
  return saved.error;
}

Errno Mmu::refuse_unreadable(Call& call, const char* operation, LinearAddr element,
                             uint32_t request) {
  types_.refuse(call, Rule::kAnyInput, Errno::kEFAULT, "the request cannot be read");
  call.refusal.address = element;
  call.refusal.has_address = true;
  return finish_refused(call, operation, Errno::kEFAULT, request);
}

}  // namespace pvmmu
