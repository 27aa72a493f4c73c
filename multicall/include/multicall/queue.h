// The guest's end of the batch protocol: calls wait in a queue and leave in one hypercall.
//
// One queue per vCPU. Use: batch(); queue_...() as often as needed; issue(defer). Between batch()
// and issue() event upcalls are masked; with issue(kLater) the calls stay queued until a flush
// (lazy mode), with issue(kNow) they have been made when it returns.
//
// Invariants
// - Calls reach the hypervisor in the order in which they were queued.
// - A callback runs after the hypercall that carried everything queued before it has returned, in
//   order, exactly once, whether or not an entry failed. The queue is empty of that batch by
//   then, so that a callback may queue, add callbacks, or flush. flush() returns with an empty
//   queue.
// - Entries, argument bytes and callbacks never exceed the limits: a verb that would, flushes
// first.
// - The two limits of argument bytes are those of Linux on Xen: a new entry needs
//   used (rounded up to 8) + size < limit; an extension goes to the last entry only, needs the
//   same operation there and used + size < limit.
// - With limits of one entry nothing is batched or extended.
//
// It returns no results: a refused entry is reported to the sink. It knows nothing of page tables,
// locks or lazy mode.
#pragma once

#include <stdint.h>

#include "abi/xen.h"
#include "multicall/callback_fifo.h"
#include "multicall/limits.h"
#include "multicall/sink.h"

namespace multicall {

enum class Issue : uint8_t { kNow, kLater };

template <HypercallSink Sink>
class Queue {
 public:
  explicit Queue(Sink& sink, Limits limits = kClassicalLimits) : sink_(sink), limits_(limits) {}
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  // Changes the limits. Only while the queue is empty, and only valid limits; else false.
  bool set_limits(Limits limits) {
    if (!empty() || !limits.valid()) {
      return false;
    }
    limits_ = limits;
    return true;
  }
  const Limits& limits() const { return limits_; }

  bool empty() const { return entry_count_ == 0 && callbacks_.size() == 0; }
  unsigned entry_count() const { return entry_count_; }

  // Opens a section in which calls are queued; nests.
  void batch() {
    const uint64_t saved = sink_.mask_events();
    if (open_++ == 0) {
      saved_events_ = saved;
    }
  }

  // Closes the section; the outermost one decides with `when`.
  void issue(Issue when) {
    if (open_ == 1 && when == Issue::kNow) {
      flush(FlushReason::kExplicit);
    }
    if (--open_ == 0) {
      sink_.restore_events(saved_events_);
    }
  }

  // Makes room, so that nothing queued next flushes in between: asked before a lock is taken
  // whose unlock will be a callback, it bounds the locks held by what one queue holds. More than
  // the limits allow at once only empties the queue. `argument_bytes` is a sum of sizes that are
  // multiples of 8.
  void room(unsigned entries, unsigned argument_bytes, unsigned callbacks) {
    if (entry_count_ + entries > limits_.entries) {
      flush(FlushReason::kSlots);
    } else if (round_up(used_bytes_) + argument_bytes >= limits_.argument_bytes) {
      flush(FlushReason::kArguments);
    } else if (callbacks_.size() + callbacks > limits_.entries) {
      flush(FlushReason::kCallbacks);
    }
  }

  // --- verbs: each inside batch() .. issue() ---

  // Any call whose arguments are all values (stack_switch, set_segment_base, ...).
  [[gnu::noinline]] void queue_call(uint64_t op, uint64_t a0 = 0, uint64_t a1 = 0, uint64_t a2 = 0,
                                    uint64_t a3 = 0, uint64_t a4 = 0, uint64_t a5 = 0) {
    const uint64_t args[6] = {a0, a1, a2, a3, a4, a5};
    add_entry(op, args, caller());
    queued();
  }

  // update_va_mapping: `flags` are UVMF_*.
  [[gnu::noinline]] void queue_va_mapping(uint64_t address, uint64_t value, uint64_t flags) {
    const uint64_t args[6] = {address, value, flags, 0, 0, 0};
    add_entry(__HYPERVISOR_update_va_mapping, args, caller());
    queued();
  }

  // One mmu_update request: `pointer` is the entry's machine address with the command in its low
  // bits. Consecutive ones share an entry.
  [[gnu::noinline]] void queue_mmu_update(uint64_t pointer, uint64_t value) {
    mmu_update_t request{};
    request.ptr = pointer;
    request.val = value;
    add_request(__HYPERVISOR_mmu_update, &request, sizeof(request), caller());
    queued();
  }

  // One mmuext operation. Consecutive ones share an entry.
  [[gnu::noinline]] void queue_mmuext(const mmuext_op_t& operation) {
    add_request(__HYPERVISOR_mmuext_op, &operation, sizeof(operation), caller());
    queued();
  }

  // Runs function(argument) after the calls queued so far have been made; at once if there are
  // none.
  void callback(void (*function)(void*), void* argument) {
    if (callbacks_.size() >= limits_.entries) {
      flush(FlushReason::kCallbacks);
    }
    callbacks_.push({function, argument});
    if (entry_count_ == 0) {
      callbacks_.all_due();
      if (!running_callbacks_) {
        run_due_callbacks();
      }
    }
  }

  // Makes all queued calls and runs their callbacks; and so on, until nothing is queued.
  void flush(FlushReason reason) {
    const uint64_t saved = sink_.mask_events();
    do {
      issue_entries(reason);
      callbacks_.all_due();
      run_due_callbacks();
    } while (entry_count_ != 0);
    sink_.restore_events(saved);
  }

 private:
  static constexpr unsigned round_up(unsigned bytes) { return (bytes + 7) & ~7u; }
  // Where the verb that expands this was called from; verbs are never inlined for its sake.
  [[gnu::always_inline]] static inline uintptr_t caller() {
    return reinterpret_cast<uintptr_t>(__builtin_return_address(0));
  }

  void add_entry(uint64_t op, const uint64_t (&args)[6], uintptr_t call_site) {
    if (entry_count_ == limits_.entries) {
      flush(FlushReason::kSlots);
    }
    multicall_entry_t& entry = entries_[entry_count_];
    entry.op = op;
    entry.result = 0;
    __builtin_memcpy(entry.args, args, sizeof(entry.args));
    call_sites_[entry_count_] = call_site;
    ++entry_count_;
  }

  // mmu_update and mmuext_op take (requests, count, done, domain).
  void add_request(uint64_t op, const void* request, unsigned size, uintptr_t call_site) {
    if (extend_last(op, request, size, call_site)) {
      return;
    }
    if (entry_count_ == limits_.entries) {
      flush(FlushReason::kSlots);
    } else if (round_up(used_bytes_) + size >= limits_.argument_bytes) {
      flush(FlushReason::kArguments);
    }
    used_bytes_ = round_up(used_bytes_);
    const uint64_t args[6] = {append_bytes(request, size), 1, 0, DOMID_SELF, 0, 0};
    add_entry(op, args, call_site);
  }

  bool extend_last(uint64_t op, const void* request, unsigned size, uintptr_t call_site) {
    if (!limits_.batching() || entry_count_ == 0 || entries_[entry_count_ - 1].op != op ||
        used_bytes_ + size >= limits_.argument_bytes) {
      return false;
    }
    append_bytes(request, size);
    ++entries_[entry_count_ - 1].args[1];
    call_sites_[entry_count_ - 1] = call_site;
    return true;
  }

  uint64_t append_bytes(const void* request, unsigned size) {
    unsigned char* place = arguments_ + used_bytes_;
    __builtin_memcpy(place, request, size);
    used_bytes_ += size;
    return sink_.linear_address(place);
  }

  // At the end of each verb.
  [[gnu::always_inline]] void queued() {
    if constexpr (requires { sink_.queued(); }) {
      sink_.queued();
    }
    issue_if_unbatched();
  }

  void issue_if_unbatched() {
    if (!limits_.batching()) {
      flush(FlushReason::kSlots);
    }
  }

  // Makes the queued calls; the queue is empty when it returns. A single one is made directly.
  void issue_entries(FlushReason reason) {
    const unsigned count = entry_count_;
    if (count == 0) {
      return;
    }
    sink_.flushed(reason, count);
    if (count == 1) {
      entries_[0].result = static_cast<uint64_t>(make_call(entries_[0]));
    } else {
      const uint64_t args[6] = {sink_.linear_address(entries_), count, 0, 0, 0, 0};
      const int64_t result = sink_.call(__HYPERVISOR_multicall, args);
      if (result < 0) {
        sink_.entry_failed({__HYPERVISOR_multicall,
                            {args[0], args[1], 0, 0, 0, 0},
                            result,
                            call_sites_[0],
                            0,
                            count});
      }
    }
    entry_count_ = 0;
    used_bytes_ = 0;
    report_failures(count);
  }

  int64_t make_call(const multicall_entry_t& entry) {
    uint64_t args[6];
    __builtin_memcpy(args, entry.args, sizeof(args));
    return sink_.call(entry.op, args);
  }

  void report_failures(unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      const multicall_entry_t& entry = entries_[i];
      const int64_t result = static_cast<int64_t>(entry.result);
      if (result < 0) {
        FailedEntry failed{entry.op, {}, result, call_sites_[i], i, count};
        __builtin_memcpy(failed.args, entry.args, sizeof(failed.args));
        sink_.entry_failed(failed);
      }
    }
  }

  // Callbacks that become due while one runs are run by the innermost call, still in order.
  void run_due_callbacks() {
    const bool outer = running_callbacks_;
    running_callbacks_ = true;
    while (callbacks_.due() != 0) {
      const Callback callback = callbacks_.pop();
      callback.function(callback.argument);
      sink_.callback_ran();
    }
    running_callbacks_ = outer;
  }

  Sink& sink_;
  Limits limits_;
  unsigned open_ = 0;
  uint64_t saved_events_ = 0;
  unsigned entry_count_ = 0;
  unsigned used_bytes_ = 0;
  bool running_callbacks_ = false;
  multicall_entry_t entries_[kMaxEntries];
  uintptr_t call_sites_[kMaxEntries];
  alignas(8) unsigned char arguments_[kMaxArgumentBytes];
  CallbackFifo callbacks_;
};

}  // namespace multicall
