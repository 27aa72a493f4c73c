// The phase label that a system call was asked to set around a piece of its work; 0: none.
#pragma once

#include <stdint.h>

#include "accounting.h"

namespace kernel {

class LabelScope {
 public:
  explicit LabelScope(uint64_t phase)
      : set_(phase != 0), before_(set_ ? accounting_set_phase(static_cast<uint32_t>(phase)) : 0) {}
  ~LabelScope() {
    if (set_) {
      accounting_set_phase(before_);
    }
  }
  LabelScope(const LabelScope&) = delete;
  LabelScope& operator=(const LabelScope&) = delete;

 private:
  bool set_;
  uint32_t before_;
};

}  // namespace kernel
