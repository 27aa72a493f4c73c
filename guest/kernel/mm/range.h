// The address range of a system call, checked.
#pragma once

#include <stdint.h>

#include "base/frame.h"
#include "mm/vma.h"

namespace kernel {

// Page-aligned, inside the user half, not wrapping; may be empty.
struct Range {
  uint64_t start = 0;
  uint64_t end = 0;
  bool empty() const { return start == end; }
};

// The range of whole pages from an aligned address; false if it is misaligned or leaves the user
// half.
inline bool range_from(uint64_t address, uint64_t length, Range& range) {
  if ((address & ~pvmmu::kPageMask) != 0 || address > kUserLimit || length > kUserLimit - address) {
    return false;
  }
  const uint64_t rounded = (length + pvmmu::kPageSize - 1) & pvmmu::kPageMask;
  range = {address, address + rounded};
  return true;
}

}  // namespace kernel
