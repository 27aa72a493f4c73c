// What an observer can be told of the MMU's work, as it happens: one typed function per kind of
// event, and each event where its counter is raised. Nothing of the MMU depends on it, and without
// an observer (Platform::observe) an event costs a look at a null pointer.
//
// `account` is the set of counters that counted the event: a call's, or the MMU's own.
//
// Every function is called with the MMU's lock held and does not call back into the MMU. Frames and
// addresses are as the guest knows them: machine frames, linear addresses.
#pragma once

#include "base/frame.h"
#include "base/linear_addr.h"
#include "pvmmu/counters.h"
#include "pvmmu/page_type.h"
#include "pvmmu/platform.h"
#include "pvmmu/refusal.h"
#include "pvmmu/vcpu.h"

namespace pvmmu {

class MmuEvents {
 public:
  virtual void pinned(const MmuCounters& account, Mfn frame, PageType type) = 0;
  virtual void unpinned(const MmuCounters& account, Mfn frame, PageType type) = 0;
  // The frame became a table, or a descriptor table; or could not.
  virtual void promoted(const MmuCounters& account, Mfn frame, PageType type) = 0;
  virtual void promotion_failed(const MmuCounters& account, Mfn frame, PageType type) = 0;
  // It ceased to be one.
  virtual void demoted(const MmuCounters& account, Mfn frame, PageType type) = 0;
  virtual void flushed(const MmuCounters& account, VcpuMask vcpus, TlbFlush what) = 0;
  // Owed, but no vCPU could hold anything any more.
  virtual void flush_avoided(const MmuCounters& account) = 0;
  virtual void write_emulated(const MmuCounters& account, Mfn table, LinearAddr address,
                              unsigned width) = 0;
  virtual void refused(const MmuCounters& account, const Refusal& refusal) = 0;

 protected:
  ~MmuEvents() = default;
};

}  // namespace pvmmu
