// The types that a frame can have. A frame has one type at a time, and keeps it while its type
// count is not zero (I1).
#pragma once

#include <stdint.h>

#include "base/level.h"

namespace pvmmu {

enum class PageType : uint8_t {
  kNone,      // nobody relies on what the frame holds; it may be mapped read-only
  kWritable,  // the guest may write it
  kL1,        // a validated page table of this level: no guest entry may map it writable
  kL2,
  kL3,
  kL4,
  kSegDesc,  // a checked page of a descriptor table
};

constexpr PageType table_type(PtLevel level) {
  return static_cast<PageType>(static_cast<unsigned>(PageType::kL1) + level_number(level) - 1);
}

constexpr bool is_table(PageType type) {
  return type >= PageType::kL1 && type <= PageType::kL4;
}

// The level of a table type; must not be asked of other types.
constexpr PtLevel table_level(PageType type) {
  return static_cast<PtLevel>(static_cast<unsigned>(type) - static_cast<unsigned>(PageType::kL1) +
                              1);
}

constexpr const char* page_type_name(PageType type) {
  switch (type) {
    case PageType::kNone:
      return "none";
    case PageType::kWritable:
      return "writable";
    case PageType::kL1:
      return "L1 table";
    case PageType::kL2:
      return "L2 table";
    case PageType::kL3:
      return "L3 table";
    case PageType::kL4:
      return "L4 table";
    case PageType::kSegDesc:
      return "descriptor table";
  }
  return "unknown";
}

static_assert(table_type(PtLevel::kL4) == PageType::kL4);
static_assert(table_level(PageType::kL2) == PtLevel::kL2);

}  // namespace pvmmu
