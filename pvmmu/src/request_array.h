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

#include "pvmmu/mmu.h"

namespace pvmmu {

// The address of element `index` of an array, or false if that wraps round the address space.
constexpr bool element_address(LinearAddr array, uint32_t index, size_t element_size,
                               LinearAddr& element) {
  const uint64_t offset = uint64_t{index} * element_size;
  if (array.raw() + offset < array.raw()) return false;
  element = array + offset;
  return true;
}

template <typename Array>
int64_t Mmu::run_array(Call& call, Array& array, LinearAddr requests, uint32_t count,
                       LinearAddr done) {
  Continuation& saved = continuations_[index_of(call.vcpu)];
  call.steps.start_piece(platform_, saved.active());
  uint32_t index = saved.active() ? saved.index : 0;
  Errno error = Errno::kOk;
  while (index < count) {
    error = run_request(call, array, requests, index, saved);
    if (error == kRestart) {
      saved.index = index;
      return kPreempted;
    }
    if (error != Errno::kOk) break;
    ++array.done(call.counters);
    ++index;
    if (index < count && call.steps.spent(platform_)) {
      saved.stage = Continuation::Stage::kBetween;
      saved.index = index;
      return kPreempted;
    }
  }
  saved.stage = Continuation::Stage::kNone;
  tlb_.settle(call.counters);
  write_done(call, done, index);
  return return_value(error);
}

template <typename Array>
Errno Mmu::run_request(Call& call, Array& array, LinearAddr requests, uint32_t index,
                       Continuation& saved) {
  using Stage = Continuation::Stage;
  if (saved.stage == Stage::kTearDown) {
    types_.resume_unfinished(saved.frame);
  } else {
    LinearAddr element;
    if (saved.stage != Stage::kAgain &&
        (!element_address(requests, index, Array::size, element) ||
         !array.read(element, saved.request))) {
      types_.refuse(call, Rule::kAnyInput, Errno::kEFAULT, "the request cannot be read");
      call.refusal.address = element;
      call.refusal.has_address = true;
      return finish_refused(call, Array::name, Errno::kEFAULT, index);
    }
    const Errno error = array.apply(call, saved.request);
    if (error == kRestart) {
      saved.stage = Stage::kAgain;
      return kRestart;
    }
    saved.error = error;
    if (error != Errno::kOk) saved.refusal = call.refusal;
  }
  if (types_.finish(call) != Errno::kOk) {
    saved.frame = types_.take_unfinished();
    saved.stage = Stage::kTearDown;
    return kRestart;
  }
  saved.stage = Stage::kNone;
  if (saved.error == Errno::kOk) return Errno::kOk;
  call.refusal = saved.refusal;
  return finish_refused(call, array.name_of(saved.request), saved.error, index);
}

}  // namespace pvmmu
