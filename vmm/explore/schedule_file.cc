#include "explore/schedule_file.h"

#include "absl/strings/str_cat.h"
#include "explore/chooser.h"
#include "nlohmann/json.hpp"

namespace vmm::explore {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSchema = "pvmmu-schedule-1";

bool is_number(const Json& value) {
  return value.is_number_unsigned() && value.get<uint64_t>() <= UINT32_MAX;
}

bool read_switches(const Json& json, Schedule& to) {
  if (!json.is_array() || json.size() > kMostSwitches) return false;
  for (const Json& one : json) {
    if (!one.is_object() || !one.contains("point") || !one.contains("to")) return false;
    if (!is_number(one["point"]) || !is_number(one["to"])) return false;
    const Switch made{one["point"].get<uint32_t>(), one["to"].get<uint32_t>()};
    if (made.to >= kMostTurns || (!to.empty() && made.point <= to.back().point)) return false;
    to.push_back(made);
  }
  return true;
}

}  // namespace

nlohmann::ordered_json switches_json(const Schedule& switches) {
  Json json = Json::array();
  for (const Switch& one : switches) json.push_back({{"point", one.point}, {"to", one.to}});
  return json;
}

std::string schedule_text(const SavedSchedule& saved) {
  const Json json = {{"schema", kSchema},
                     {"workload", saved.workload},
                     {"flags", saved.flags},
                     {"switches", switches_json(saved.switches)},
                     {"what", saved.what}};
  return json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

absl::StatusOr<SavedSchedule> parse_schedule(std::string_view text, const std::string& name) {
  const auto refuse = [&name](const char* why) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": ", why));
  };
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object()) return refuse("this is no JSON object");
  if (json.value("schema", Json()) != kSchema) {
    return refuse("this is no schedule that `pvmmu explore` saved");
  }
  SavedSchedule saved;
  for (const char* key : {"workload", "flags", "switches"}) {
    if (!json.contains(key)) return refuse("the schedule is not whole");
  }
  if (!json["workload"].is_string() || !json["flags"].is_array()) {
    return refuse("the schedule is not whole");
  }
  saved.workload = json["workload"].get<std::string>();
  for (const Json& flag : json["flags"]) {
    if (!flag.is_string()) return refuse("a flag is no text");
    saved.flags.push_back(flag.get<std::string>());
  }
  if (!read_switches(json["switches"], saved.switches)) {
    return refuse("the switches are none: each has a point and a turn, by ascending point");
  }
  if (json.contains("what") && json["what"].is_string()) saved.what = json["what"];
  return saved;
}

}  // namespace vmm::explore
