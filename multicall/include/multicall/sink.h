// What a queue needs of the kernel around it.
#pragma once

#include <stdint.h>

#include <concepts>

namespace multicall {

// Why a queue that held something was flushed.
enum class FlushReason : uint8_t {
  kSlots,      // entries ran out
  kArguments,  // argument bytes ran out
  kCallbacks,  // callbacks ran out
  kExplicit,   // somebody asked
  kLeave,      // lazy mode was left
  kCount
};

// A call that the hypervisor refused. No caller waits for a queued call's result, so this is a
// bug of the kernel that queued it.
struct FailedEntry {
  uint64_t op;
  uint64_t args[6];
  int64_t result;       // negative errno
  uintptr_t call_site;  // return address of the verb that queued it (its last extension)
  unsigned index;       // place in the batch
  unsigned batch_size;
};

// A sink may also have queued(): told of each request once it is in the queue; must not touch it.
template <typename S>
concept HypercallSink = requires(S& sink, uint64_t op, const uint64_t (&args)[6],
                                 const FailedEntry& failed, FlushReason reason, unsigned entries,
                                 uint64_t saved, const void* place) {
  // Makes hypercall `op` now and returns its result. Must not touch the queue.
  { sink.call(op, args) } -> std::same_as<int64_t>;
  // Keeps event upcalls (and so other users of this queue on this vCPU) out until restored. The
  // result is what restore_events needs; calls nest.
  { sink.mask_events() } -> std::same_as<uint64_t>;
  {sink.restore_events(saved)};
  // Told of every refused entry, after its batch returned and before the batch's callbacks run.
  // A kernel stops here; must not touch the queue.
  {sink.entry_failed(failed)};
  // Statistics: a queue of so many entries is about to be issued; a deferred callback ran.
  {sink.flushed(reason, entries)};
  {sink.callback_ran()};
  // What the hypervisor calls the place of the queue's own memory.
  { sink.linear_address(place) } -> std::same_as<uint64_t>;
};

}  // namespace multicall
