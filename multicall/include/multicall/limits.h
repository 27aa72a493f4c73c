// How much a queue may hold before it must flush.
#pragma once

#include <stdint.h>

namespace multicall {

// Storage inside every queue; a queue's limits are at most these.
inline constexpr unsigned kMaxEntries = 256;
inline constexpr unsigned kMaxArgumentBytes = 4096;
// The largest single request (an mmuext operation) must fit below the limit.
inline constexpr unsigned kMinArgumentBytes = 32;
inline constexpr unsigned kArgumentBytesPerEntry = 16;

struct Limits {
  unsigned entries = 32;  // also the limit of callbacks
  unsigned argument_bytes = 512;

  constexpr bool valid() const {
    return entries >= 1 && entries <= kMaxEntries && argument_bytes >= kMinArgumentBytes &&
           argument_bytes <= kMaxArgumentBytes;
  }
  // One entry means no batching at all: each update is a hypercall of its own.
  constexpr bool batching() const { return entries > 1; }
  friend constexpr bool operator==(const Limits&, const Limits&) = default;
};

// What Linux on Xen uses: 32 entries, 16 argument bytes an entry.
inline constexpr Limits kClassicalLimits{32, 512};
inline constexpr Limits kUnbatchedLimits{1, 512};
inline constexpr Limits kLargestLimits{kMaxEntries, kMaxArgumentBytes};

// The limits for a number of entries, with the classical share of argument bytes.
constexpr Limits limits_for_entries(unsigned entries) {
  const unsigned bytes = entries * kArgumentBytesPerEntry;
  return {entries, bytes < kMinArgumentBytes ? kMinArgumentBytes : bytes};
}

static_assert(kClassicalLimits.valid() && kUnbatchedLimits.valid() && kLargestLimits.valid());
static_assert(limits_for_entries(32).argument_bytes == 512);
static_assert(limits_for_entries(kMaxEntries).valid());

}  // namespace multicall
