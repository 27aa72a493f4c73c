// Who may still hold a stale translation, and the flushes that are owed because of it.
//
// A clock counts complete flushes. A stamp taken now is at least as new as every flush so far, so a
// vCPU is known to be clean of what was replaced before the stamp only if its last complete flush
// is newer than the stamp. 64 bits do not wrap.
//
// Does not know single-address flushes: they leave the clock alone.
#pragma once

#include <stdint.h>

#include "pvmmu/counters.h"
#include "pvmmu/platform.h"
#include "pvmmu/vcpu.h"

namespace pvmmu {

class TlbLedger {
 public:
  explicit TlbLedger(Platform& platform) : platform_(platform) {}

  // To be taken after the entry was replaced (and entry_changed was called).
  uint64_t stamp() const { return clock_; }

  // Complete flush of these vCPUs, whatever they hold.
  void flush(MmuCounters& counters, VcpuMask vcpus);
  // Flush of one address: not enough for a change of type.
  void flush_address(MmuCounters& counters, VcpuMask vcpus, LinearAddr address);
  // Complete flush of every vCPU that has had none since the stamp.
  void flush_older_than(MmuCounters& counters, uint64_t stamp);

  // An upper-level entry was changed: a flush is owed before the hypercall returns.
  void owe();
  // Pays what owe() noted, unless another flush already did.
  void settle(MmuCounters& counters);

  // The vCPU's translations were all dropped by other means, after the changes so far took effect.
  void note_flush(VcpuId vcpu);

 private:
  VcpuMask stale_since(uint64_t stamp) const;
  void record_flush(VcpuMask vcpus);

  Platform& platform_;
  uint64_t clock_ = 1;
  uint64_t flushed_at_[kMaxVcpus] = {};  // value of the clock at the vCPU's last complete flush
  uint64_t owed_stamp_ = 0;
  bool owed_ = false;
};

}  // namespace pvmmu
