// Work that is written once for all levels, at a level that is known only when it is done.
#pragma once

#include "base/errno.h"
#include "base/level.h"

namespace pvmmu {

// work.operator()<L>() for the level.
template <typename Work>
Errno at_level(PtLevel level, Work work) {
  if (level == PtLevel::kL1) return work.template operator()<PtLevel::kL1>();
  if (level == PtLevel::kL2) return work.template operator()<PtLevel::kL2>();
  if (level == PtLevel::kL3) return work.template operator()<PtLevel::kL3>();
  return work.template operator()<PtLevel::kL4>();
}

}  // namespace pvmmu
