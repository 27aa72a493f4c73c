#include "pte_rules/backtrace.h"

namespace kernel::pte_rules {
namespace {

// No function of the kernel has a larger frame. Below the kernel a frame pointer may be anything,
// and then the chain most likely ends here.
constexpr uint64_t kLargestFrame = 2048;

struct Frame {
  const Frame* caller;
  uint64_t return_address;
};

// The frame of the caller; null where the chain ends, or leads to what can be none. The words
// between frames are nobody's business but ours: sanitizers must not ask.
[[gnu::no_sanitize("address")]] const Frame* caller_of(const Frame& frame) {
  const auto here = reinterpret_cast<uint64_t>(&frame);
  const auto next = reinterpret_cast<uint64_t>(frame.caller);
  const bool plausible = next > here && next - here <= kLargestFrame && next % sizeof(Frame*) == 0;
  return plausible ? frame.caller : nullptr;
}

}  // namespace

[[gnu::noinline, gnu::no_sanitize("address")]] void capture_backtrace(
    uint64_t (&addresses)[guest_abi::kPteTraceDepth]) {
  const auto* frame = static_cast<const Frame*>(__builtin_frame_address(0));
  for (uint64_t& address : addresses) {
    frame = frame != nullptr ? caller_of(*frame) : nullptr;
    address = frame != nullptr ? frame->return_address : 0;
  }
}

}  // namespace kernel::pte_rules
