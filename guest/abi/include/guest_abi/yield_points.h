// The steps of the guest kernel by which its processors affect each other
// (guest/kernel/yield_point.h), by the names that time-lines of the search use (docs/explore.md).
#pragma once

// X(name, what the processor is about to do, or has just done)
#define GUEST_ABI_YIELD_POINTS(X)                            \
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
