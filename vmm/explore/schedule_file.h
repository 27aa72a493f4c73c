// Schedules on disk: JSON, with the workload and the flags of the machine that they are for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "explore/schedule.h"
#include "nlohmann/json_fwd.hpp"

namespace vmm::explore {

struct SavedSchedule {
  std::string workload;            // name or file
  std::vector<std::string> flags;  // as `pvmmu explore` takes them
  Schedule switches;
  std::string what;  // what was wrong
};

nlohmann::ordered_json switches_json(const Schedule& switches);
std::string schedule_text(const SavedSchedule& saved);
// InvalidArgument with one line, which begins with `name`.
absl::StatusOr<SavedSchedule> parse_schedule(std::string_view text, const std::string& name);

}  // namespace vmm::explore
