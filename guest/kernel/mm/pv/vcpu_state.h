// What the paravirtual mm keeps for each vCPU: the queue of calls, the state of lazy mode, the
// locks held, and the address space that the vCPU runs on. Touched by its own vCPU only.
#pragma once

#include <stdint.h>

#include "mm/pv/lazy_mode.h"
#include "multicall/queue.h"
#include "yield_point.h"

namespace kernel {

struct Mm;

// The kernel around a queue: how a call is made, and who is told of failures and flushes.
class QueueSink {
 public:
  int64_t call(uint64_t op, const uint64_t (&args)[6]);
  uint64_t mask_events();
  void restore_events(uint64_t saved);
  // A refused request is a bug of this kernel: panics with what was asked and by whom.
  [[noreturn]] void entry_failed(const multicall::FailedEntry& failed);
  void flushed(multicall::FlushReason reason, unsigned entries);
  void callback_ran();
  void queued() { yield_point(YieldPoint::queue); }
  uint64_t linear_address(const void* place);
};

using CallQueue = multicall::Queue<QueueSink>;

struct PvVcpu {
  explicit PvVcpu(multicall::Limits limits) : queue(sink, limits) {}

  QueueSink sink;
  CallQueue queue;
  bool lazy = false;  // requests wait: what lazy_mode comes to
  LazyCpu lazy_mode;
  unsigned table_locks_held = 0;
  Mm* active = nullptr;
};

// Makes the state of a vCPU; once, before it is used.
void pv_start_vcpu(unsigned cpu);
PvVcpu& pv_this_vcpu();
// Nothing may be queued, no lazy section open and no table lock held when threads change.
void pv_check_context_switch();
// Nor when event upcalls open, in idle or user mode: an upcall would find requests of an
// interrupted operation queued, roots that are to be loaded among them.
void pv_check_events_open();

}  // namespace kernel
