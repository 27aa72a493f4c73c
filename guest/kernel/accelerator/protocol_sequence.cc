// Invalidations count, and a fault that began before one was over starts again.
#include "accelerator/calls.h"
#include "accelerator/context.h"
#include "panic.h"
#include "planted_bug.h"

namespace kernel {
namespace {

void take_from_device(AcceleratorContext& context, uint64_t start, uint64_t end) {
  const int64_t error = accelerator_call_invalidate(context.id, start, end);
  kernel_assert(error == 0, "the accelerator does not let go of a range");
}

void begin(AcceleratorContext& context, SecondaryFault& fault) {
  SpinlockGuard guard(context.lock);
  fault.sequence = context.sequence;
}

// Whether what was looked up for the fault may be out of date.
bool is_stale(const AcceleratorContext& context, const SecondaryFault& fault) {
  const bool changes_now = context.ranges_open != 0 && context.open_start <= fault.address &&
                           fault.address < context.open_end;
  return changes_now || context.sequence != fault.sequence;
}

Establish establish(AcceleratorContext& context, SecondaryFault& fault, Page& page, bool write) {
  SpinlockGuard guard(context.lock);
  if (is_stale(context, fault) && !planted(PlantedBug::fault_unchecked)) {
    return Establish::kRetry;
  }
  if (accelerator_call_establish(context.id, fault.address, mfn_of(page), write) != 0) {
    return Establish::kFailed;
  }
  frame_put(page);  // from here on the notifiers alone keep the device off the page once it goes
  return Establish::kDone;
}

void give_up(AcceleratorContext&, SecondaryFault&) {}

void range_start(AcceleratorContext& context, uint64_t start, uint64_t end) {
  SpinlockGuard guard(context.lock);
  const bool only = context.ranges_open++ == 0;
  context.open_start = only || start < context.open_start ? start : context.open_start;
  context.open_end = only || end > context.open_end ? end : context.open_end;
  take_from_device(context, start, end);
}

void range_end(AcceleratorContext& context, uint64_t, uint64_t) {
  SpinlockGuard guard(context.lock);
  ++context.sequence;
  kernel_assert(context.ranges_open != 0, "a range ends that did not start");
  --context.ranges_open;
}

void invalidate_page(AcceleratorContext& context, uint64_t address) {
  SpinlockGuard guard(context.lock);
  ++context.sequence;
  take_from_device(context, address, address + pvmmu::kPageSize);
}

void release(AcceleratorContext&) {}

}  // namespace

constexpr ProtocolOps kSequenceProtocol = {begin,     establish,       give_up, range_start,
                                           range_end, invalidate_page, release};

}  // namespace kernel
