// The deferred callbacks of a queue, in order.
//
// Each is popped before it runs, so it runs exactly once, and may itself add callbacks or flush.
#pragma once

#include <stdint.h>

#include "multicall/limits.h"

namespace multicall {

struct Callback {
  void (*function)(void*) = nullptr;
  void* argument = nullptr;
};

class CallbackFifo {
 public:
  unsigned size() const { return size_; }
  // Callbacks whose hypercall has returned: they may run.
  unsigned due() const { return due_; }
  void all_due() { due_ = size_; }

  // The caller has made room: size() < kMaxEntries.
  void push(Callback callback) {
    slots_[(first_ + size_) % kMaxEntries] = callback;
    ++size_;
  }
  // The caller has seen due() > 0.
  Callback pop() {
    const Callback callback = slots_[first_];
    first_ = (first_ + 1) % kMaxEntries;
    --size_;
    --due_;
    return callback;
  }

 private:
  Callback slots_[kMaxEntries];
  unsigned first_ = 0;
  unsigned size_ = 0;
  unsigned due_ = 0;
};

}  // namespace multicall
