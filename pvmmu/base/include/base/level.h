// Page-table levels: L1 holds the leaves, L4 is the root.
#pragma once

#include <stdint.h>

namespace pvmmu {

enum class PtLevel : uint8_t { kL1 = 1, kL2 = 2, kL3 = 3, kL4 = 4 };

inline constexpr unsigned kEntriesPerTable = 512;

constexpr unsigned level_number(PtLevel level) {
  return static_cast<unsigned>(level);
}
// The bit of a linear address at which the index into a table of this level starts.
constexpr unsigned level_shift(PtLevel level) {
  return 12 + 9 * (level_number(level) - 1);
}
// The level below; must not be asked of L1.
constexpr PtLevel level_below(PtLevel level) {
  return static_cast<PtLevel>(level_number(level) - 1);
}

}  // namespace pvmmu
