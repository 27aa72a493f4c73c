#include "fuzz/corpus.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "stats/stats_output.h"

namespace vmm::fuzz {
namespace {

constexpr const char* kRunLine = "# run: ";

// FNV-1a: the name must be the same everywhere.
uint64_t hash_of(const std::string& text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace

absl::StatusOr<std::vector<RunPoint>> points_of(const std::string& text) {
  std::vector<RunPoint> points;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::ConsumePrefix(&line, kRunLine)) continue;
    auto point = run_point(absl::StrSplit(line, ' ', absl::SkipEmpty()));
    if (!point.ok()) return point.status();
    points.push_back(*std::move(point));
  }
  return points;
}

absl::StatusOr<std::vector<CorpusEntry>> read_corpus(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  std::vector<CorpusEntry> entries;
  for (const auto& file : std::filesystem::directory_iterator(folder, error)) {
    if (file.path().extension() != ".wl") continue;
    std::ifstream stream(file.path());
    std::stringstream text;
    text << stream.rdbuf();
    auto points = points_of(text.str());
    if (!stream || !points.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          file.path().string(), ": ", points.ok() ? "cannot be read" : points.status().message()));
    }
    entries.push_back({file.path().string(), text.str(), *std::move(points)});
  }
  if (error) return absl::InvalidArgumentError(absl::StrCat(folder, ": ", error.message()));
  std::sort(entries.begin(), entries.end(),
            [](const CorpusEntry& a, const CorpusEntry& b) { return a.path < b.path; });
  return entries;
}

std::string failure_text(const std::string& script, const Finding& finding,
                         const std::vector<RunPoint>& points) {
  std::string text =
      absl::StrCat("# A law was broken: ", law_name(finding.law), ".\n# ", finding.what, "\n");
  for (const RunPoint& point : points) absl::StrAppend(&text, kRunLine, point.text(), "\n");
  return absl::StrCat(text, script);
}

absl::StatusOr<std::string> keep_failure(const std::string& folder, const std::string& text) {
  const std::string path =
      absl::StrFormat("%s/failure-%012x.wl", folder, hash_of(text) & 0xffff'ffff'ffff);
  absl::StatusOr<OutputFile> file = OutputFile::create(path);
  if (!file.ok()) return file.status();
  if (const absl::Status status = file->commit(text); !status.ok()) return status;
  return path;
}

}  // namespace vmm::fuzz
