#include "stats/varying_paths.h"

#include <span>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "stats/counter_set.h"
#include "stats/statistics.h"

namespace vmm {
namespace {

using Json = nlohmann::ordered_json;

// Where a set of counters stands in the document.
constexpr const char* kScopes[] = {"", "/phases/*", "/operations/*", "/per_vcpu/*"};

// With one vCPU, no wall clock and a whole run, only the counters that say so vary. Otherwise the
// order in which vCPUs meet, or the moment of the tick or the end, reaches all of them.
bool counters_repeat(const RunFacts& facts) {
  return facts.vcpus == 1 && facts.tick_hz == 0 && !facts.partial;
}

void remove(Json& value, std::span<const std::string> steps) {
  const std::string& step = steps.front();
  if (steps.size() == 1 && value.is_object() && step != "*") {
    value.erase(step);
    return;
  }
  if (steps.size() == 1 || !value.is_structured()) return;
  for (auto item = value.begin(); item != value.end(); ++item) {
    if (step == "*" || (value.is_object() && item.key() == step)) remove(*item, steps.subspan(1));
  }
}

}  // namespace

std::vector<std::string> varying_paths(const RunFacts& facts) {
  std::vector<std::string> paths = {"/kvm", "/wall_seconds"};
  if (!counters_repeat(facts)) {
    for (const std::string& key : counter_keys()) paths.push_back(absl::StrCat("/", key));
    for (const char* scope :
         {"/phases", "/operations", "/per_vcpu", "/refusal_records", "/refusal_records_dropped",
          "/frames_at_end", "/pte_rules", "/accelerator"}) {
      paths.push_back(scope);
    }
    return paths;
  }
  for (const char* scope : kScopes) {
    for (const std::string& path : varying_counter_paths()) {
      paths.push_back(absl::StrCat(scope, path));
    }
  }
  // Processors set Accessed and Dirty as they like: they are in the tables, and in entries that a
  // guest read there and asked for again. Where something is hashed to goes by frame numbers.
  for (const char* path :
       {"/phases/*/vcpu_seconds", "/operations/*/vcpu_seconds", "/refusal_records/*/entry",
        "/refusal_records/*/explanation", "/frames_at_end/tables", "/pte_rules/first_breach",
        "/pte_rules/hash_table"}) {
    paths.push_back(path);
  }
  return paths;
}

Json without_varying(Json statistics) {
  const Json paths = statistics.value("nondeterministic", Json::array());
  for (const Json& path : paths) {
    const std::string text = path.get<std::string>();
    const std::vector<std::string> steps = absl::StrSplit(text.substr(1), '/');
    remove(statistics, steps);
  }
  statistics.erase("nondeterministic");
  return statistics;
}

}  // namespace vmm
