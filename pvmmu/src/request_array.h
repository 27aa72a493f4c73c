// An array of requests, carried out one by one and in as many pieces as the platform wants.
//
// Requests before a refused one stay done. A request that stops half-way is one of two things: not
// begun as far as anybody can see (kAgain), or decided, with tables left to tear down (kTearDown).
//
// Array: what differs between the hypercalls.
//   size, name              of an element; of the hypercall
//   read(place, request)    false: it cannot be read
//   apply(call, request)    carries it out: kOk, a refusal, or kRestart
//   name_of(request)        for a refusal of it
//   done(counters)          how many were carried out
#pragma once

#include "base/mutant.h"
#include "pvmmu/mmu.h"

namespace pvmmu {

template <typename Array>
int64_t Mmu::run_array(Call& call, Array& array, LinearAddr requests, uint32_t count,
                       LinearAddr done) {
  using Stage = Continuation::Stage;
  Continuation& saved = continuations_[index_of(call.vcpu)];
  call.steps.start_piece(saved.active());
  uint32_t index = saved.active() ? saved.index : 0;
  // A request that was begun already is in `saved`, and is not read again.
  bool begun = saved.stage == Stage::kAgain || saved.stage == Stage::kTearDown;
  Errno error = Errno::kOk;
  LinearAddr element = requests + uint64_t{index} * Array::size;
  for (; index < count; element = element + Array::size) {
    if (begun) [[unlikely]] {
      error = resume_request(call, array, element, saved);
    } else {
      Continuation::Request request;
      // Below the array: it wraps round the address space.
      if (element < requests || !array.read(element, request)) {
        error = refuse_unreadable(call, Array::name, element, index);
        break;
      }
      error = array.apply(call, request);
      if (error != Errno::kOk || types_.has_unfinished()) {
        error = conclude_request(call, saved, request, error);
      }
    }
    begun = false;
    if (error != Errno::kOk) {
      if (error == kRestart) return preempt(saved, index);
      finish_refused(call, array.name_of(saved.request), error, index);
      if (kMutated<Mutant::refused_request_skipped> && ++index < count) continue;
      break;
    }
    ++array.done(call.counters);
    ++index;
    if (index < count && call.steps.spent(platform_)) {
      saved.stage = Stage::kBetween;
      return preempt(saved, index);
    }
  }
  saved.stage = Stage::kNone;
  tlb_.settle(call.counters);
  write_done(call, done, index);
  return return_value(error);
}

template <typename Array>
Errno Mmu::resume_request(Call& call, Array& array, LinearAddr request, Continuation& saved) {
  if (saved.stage == Continuation::Stage::kTearDown) {
    types_.resume_unfinished(saved.frame);
    return tear_down_rest(call, saved);
  }
  if (kMutated<Mutant::resumed_request_read_again>) array.read(request, saved.request);
  return conclude_request(call, saved, saved.request, array.apply(call, saved.request));
}

}  // namespace pvmmu
