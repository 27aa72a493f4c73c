// Where another processor may come in between two steps of this one.
//
// Each step by which processors of this kernel affect each other says so. On a processor that is
// simulated a search may let another one go on there (docs/explore.md); anywhere else this is
// nothing at all.
#pragma once

#include <stdint.h>

namespace kernel {

// X(name, what the processor is about to do, or has just done)
#define KERNEL_YIELD_POINTS(X)                               \
  X(lock, "takes a lock")                                    \
  X(unlock, "has released a lock")                           \
  X(queue, "has queued a request")                           \
  X(issue, "issues its queue")                               \
  X(store, "stores an entry")                                \
  X(exchange, "exchanges an entry")                          \
  X(clear_bits, "clears bits of an entry")                   \
  X(notify_start, "tells the device that a range changes")   \
  X(notify_end, "tells the device that the change is over")  \
  X(notify_page, "tells the device that a page has changed") \
  X(page_found, "has the page of a secondary fault in hand") \
  X(established, "has established it for the device")        \
  X(retry, "must look again")

enum class YieldPoint : uint8_t {
#define KERNEL_YIELD_POINT_ENUMERATOR(name, text) name,
  KERNEL_YIELD_POINTS(KERNEL_YIELD_POINT_ENUMERATOR)
#undef KERNEL_YIELD_POINT_ENUMERATOR
};

#ifdef KERNEL_ARCH_SIM
// `what`: the object it is about, for the reader of a time-line.
void yield_point(YieldPoint point, const void* what = nullptr);
#else
inline void yield_point(YieldPoint, const void* = nullptr) {}
#endif

}  // namespace kernel
