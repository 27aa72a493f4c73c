// What `pvmmu explore` says about a search, and about a run that is replayed.
#pragma once

#include <string>
#include <vector>

#include "explore/search.h"

namespace vmm {

struct ExploreReport {
  std::string workload;
  std::vector<std::string> machine;  // flags
  const explore::SearchResult& result;
  std::string saved;     // where the failing schedule is
  std::string timeline;  // of it
};

struct ReplayReport {
  std::string workload;
  std::vector<std::string> machine;
  const explore::Schedule& switches;  // as the file has them
  const explore::RunRecord& record;
  std::string timeline;
};

// One line without an end.
std::string explore_progress(const explore::SearchTotals& totals);
// Each with a newline at the end; the JSON is one line.
std::string explore_text(const ExploreReport& report);
std::string explore_json(const ExploreReport& report);
std::string replay_text(const ReplayReport& report);
std::string replay_json(const ReplayReport& report);

}  // namespace vmm
