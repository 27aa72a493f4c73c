// What a call that was preempted has reached: one for each vCPU, kept by class Mmu.
//
// Nothing of it ever passes through the guest, so nothing of it can be forged; and the request that
// was being carried out is kept too, so that the guest's array is read once.
#pragma once

#include <stdint.h>

#include "abi/xen.h"
#include "base/errno.h"
#include "base/frame.h"
#include "pvmmu/refusal.h"

namespace pvmmu {

struct Continuation {
  enum class Stage : uint8_t {
    kNone,      // no call of this vCPU is preempted
    kBetween,   // before request `index`, which was not looked at yet
    kAgain,     // request `index` is to be carried out again: it stopped before it changed anything
    kTearDown,  // request `index` ended with `error`; `frame` is still to be torn down
  };
  // The request in work, whichever hypercall it belongs to.
  union Request {
    ::mmu_update update;
    ::mmuext_op operation;
  };

  Stage stage = Stage::kNone;
  Errno error = Errno::kOk;
  uint32_t index = 0;
  Mfn frame;
  Request request{};
  Refusal refusal{};  // of `error`

  bool active() const { return stage != Stage::kNone; }
};

}  // namespace pvmmu
