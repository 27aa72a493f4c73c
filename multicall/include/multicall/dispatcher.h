// The hypervisor's end of the batch protocol: makes the calls of a multicall list in order.
//
// Each entry is read, called and its result written before the next one is looked at, so a list
// that changes or ends early has had exactly the entries before that point. The result of one
// entry does not stop the list. What does: a list that cannot be read or written (-EFAULT), the
// guest leaving kernel mode, or a request to preempt; then the caller gets a continuation, which
// starts at the first entry not finished, and at least one step was made.
//
// It holds no lock and knows no call but multicall itself, which it refuses inside a list.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <concepts>

#include "abi/xen.h"
#include "base/linear_addr.h"
#include "base/mutant.h"

namespace multicall {

inline constexpr int64_t kFault = -14;    // -EFAULT
inline constexpr int64_t kInvalid = -22;  // -EINVAL

// The guest's memory through its current tables.
template <typename A>
concept GuestAccess = requires(A& access, void* to, const void* from, pvmmu::LinearAddr address,
                               size_t size) {
  // Copies, or returns false if any byte cannot be copied.
  { access.copy_from_guest(to, address, size) } -> std::convertible_to<bool>;
  { access.copy_to_guest(address, from, size) } -> std::convertible_to<bool>;
};

// Everything that can be called.
template <typename C>
concept Hypercalls = requires(C& calls, uint64_t op, uint64_t (&args)[6]) {
  // Makes call `op` (-ENOSYS if there is none) and returns its result. It may change `args` when
  // it stops before its end, so that the same call with these does the rest.
  { calls.hypercall(op, args) } -> std::convertible_to<int64_t>;
  // Whether the call just made stopped before its end.
  { calls.call_preempted() } -> std::convertible_to<bool>;
  // False after a call that left kernel mode (iret): the context of the list is gone.
  { calls.still_in_kernel_mode() } -> std::convertible_to<bool>;
  // Whether other work waits. Asked between entries.
  { calls.preempt_requested() } -> std::convertible_to<bool>;
};

struct Outcome {
  int64_t result = 0;
  // The multicall is not done: call it again with these arguments, which is not a new call.
  bool preempted = false;
  pvmmu::LinearAddr next{};
  uint32_t remaining = 0;
};

// One vCPU's multicall state.
class Dispatcher {
 public:
  bool active() const { return active_; }

  // Makes the calls of `list`. Inside one, -EINVAL.
  template <GuestAccess Access, Hypercalls Calls>
  Outcome dispatch(Access& access, Calls& calls, pvmmu::LinearAddr list, uint32_t count) {
    if (active_) {
      return {.result = kInvalid};
    }
    if (!list_in_range(list, count)) {
      return {.result = kFault};
    }
    active_ = true;
    const Outcome outcome = run(access, calls, list, count);
    active_ = false;
    return outcome;
  }

 private:
  static constexpr size_t kResultOffset = offsetof(multicall_entry_t, result);
  static constexpr size_t kArgsOffset = offsetof(multicall_entry_t, args);

  // The list lies in one half of the address space and does not wrap.
  static bool list_in_range(pvmmu::LinearAddr list, uint32_t count) {
    const uint64_t size = uint64_t{count} * sizeof(multicall_entry_t);
    const pvmmu::LinearAddr last = list + (size == 0 ? 0 : size - 1);
    return list.canonical() && last.canonical() && (list.raw() >> 63) == (last.raw() >> 63) &&
           list <= last;
  }

  template <GuestAccess Access, Hypercalls Calls>
  static Outcome run(Access& access, Calls& calls, pvmmu::LinearAddr entry_address,
                     uint32_t remaining) {
    for (bool first = true; remaining != 0; first = false) {
      if (!first && calls.preempt_requested()) {
        return {.preempted = true, .next = entry_address, .remaining = remaining};
      }
      multicall_entry_t entry;
      if (!access.copy_from_guest(&entry, entry_address, sizeof(entry))) {
        return {.result = kFault};
      }
      const int64_t result = calls.hypercall(entry.op, entry.args);
      if (!calls.still_in_kernel_mode() &&
          !pvmmu::kMutated<pvmmu::Mutant::multicall_goes_on_after_iret>) {
        // The new context expects this call's result, and nobody the list's.
        (void)access.copy_to_guest(entry_address + kResultOffset, &result, sizeof(result));
        return {.result = result};
      }
      if (calls.call_preempted()) {
        if (!access.copy_to_guest(entry_address + kArgsOffset, entry.args, sizeof(entry.args))) {
          return {.result = kFault};
        }
        return {.preempted = true, .next = entry_address, .remaining = remaining};
      }
      if (!access.copy_to_guest(entry_address + kResultOffset, &result, sizeof(result))) {
        return {.result = kFault};
      }
      entry_address = entry_address + sizeof(multicall_entry_t);
      --remaining;
    }
    return {};
  }

  bool active_ = false;
};

}  // namespace multicall
