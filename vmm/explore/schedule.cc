#include "explore/schedule.h"

#include <cstddef>

namespace vmm::explore {
namespace {

struct PointText {
  const char* name;
  const char* text;
};
constexpr PointText kPoints[] = {
#define EXPLORE_POINT(name, text) {#name, text},
    VMM_SCHEDULE_POINTS(EXPLORE_POINT)
#undef EXPLORE_POINT
};

}  // namespace

const char* point_name(PointKind kind) {
  return kPoints[static_cast<size_t>(kind)].name;
}

const char* point_text(PointKind kind) {
  return kPoints[static_cast<size_t>(kind)].text;
}

}  // namespace vmm::explore
