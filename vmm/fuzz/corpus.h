// Workloads on disk that are tried first: those that failed, with the settings of their runs.
//
// A file is an ordinary workload. Its first lines say in comments what was wrong and with which
// flags; without such a line, runs are chosen at random.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "fuzz/laws.h"

namespace vmm::fuzz {

struct CorpusEntry {
  std::string path;
  std::string text;
  std::vector<RunPoint> points;  // empty: not said
};

// The *.wl files of a folder, in order of their names. A folder that is not there is made.
absl::StatusOr<std::vector<CorpusEntry>> read_corpus(const std::string& folder);

// What the lines of comments and the script of a failure are.
std::string failure_text(const std::string& script, const Finding& finding,
                         const std::vector<RunPoint>& points);

// Writes a failure, under a name that follows from its text. The path.
absl::StatusOr<std::string> keep_failure(const std::string& folder, const std::string& text);

// The flags of the runs that the comments name.
absl::StatusOr<std::vector<RunPoint>> points_of(const std::string& text);

}  // namespace vmm::fuzz
