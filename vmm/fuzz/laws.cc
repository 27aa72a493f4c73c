#include "fuzz/laws.h"

#include <algorithm>
#include <cctype>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "fuzz/oracle.h"

namespace vmm::fuzz {
namespace {

using Law = Finding::Law;
using End = RunReport::End;

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

// Without numbers, which differ where the sort is the same. A word of hexadecimal digits is one if
// a decimal digit is among them.
std::string sort_of(absl::string_view text) {
  constexpr size_t kEnough = 120;
  const auto in_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  const auto is_hex = [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; };
  std::string sort;
  while (!text.empty() && sort.size() < kEnough) {
    const auto count = static_cast<size_t>(std::ranges::find_if_not(text, in_word) - text.begin());
    absl::string_view word = text.substr(0, std::max<size_t>(count, 1));
    text.remove_prefix(word.size());
    const bool has_digit = std::ranges::any_of(word, is_digit);
    const bool is_number =
        has_digit && std::ranges::all_of(word.substr(absl::StartsWith(word, "0x") ? 2 : 0), is_hex);
    if (!is_number) std::ranges::remove_copy_if(word, std::back_inserter(sort), is_digit);
  }
  return sort;
}

std::string line_with(absl::string_view text, absl::string_view part) {
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (absl::StrContains(line, part)) return std::string(line);
  }
  return "";
}

std::string first_line(absl::string_view text) {
  const absl::string_view line = text.substr(0, text.find('\n'));
  return std::string(line);
}

// "workload failed: FILE:LINE: check a[3] 5: got 0, expected 5": of the sort "check".
Finding broken_expectation(const std::string& line) {
  const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(": ", 2));
  const std::string statement = parts.size() > 2 ? parts[2] : line;
  return {.law = Law::kModel,
          .what = line,
          .kind = first_line(statement.substr(0, statement.find(' '))),
          .runs = {}};
}

std::optional<Finding> judge_one(const RunReport& report) {
  switch (report.end) {
    case End::kTooLong:
      return Finding{.law = Law::kEnds, .what = "the run does not end", .kind = "hang", .runs = {}};
    case End::kSignal:
      return Finding{.law = Law::kEnds,
                     .what = absl::StrCat("the process of the run died of signal ", report.status),
                     .kind = absl::StrCat("signal ", report.status),
                     .runs = {}};
    case End::kNoStart:
      return Finding{.law = Law::kEnds,
                     .what = report.report,
                     .kind = sort_of(first_line(report.report)),
                     .runs = {}};
    case End::kEnded:
      break;
  }
  if (report.status == 0) return std::nullopt;
  if (const std::string line = line_with(report.console, "workload failed: "); !line.empty()) {
    return broken_expectation(line);
  }
  std::string line = line_with(report.console, "leak");
  if (line.empty()) line = line_with(report.console, "kernel panic");
  if (line.empty()) line = first_line(report.report);
  if (line.empty()) line = absl::StrCat("exit status ", report.status);
  return Finding{.law = Law::kSound, .what = line, .kind = sort_of(line), .runs = {}};
}

std::string first_different_line(const std::string& one, const std::string& other) {
  const std::vector<std::string> lines = absl::StrSplit(one, '\n');
  const std::vector<std::string> others = absl::StrSplit(other, '\n');
  for (size_t i = 0; i < std::max(lines.size(), others.size()); ++i) {
    const std::string a = i < lines.size() ? lines[i] : "nothing";
    const std::string b = i < others.size() ? others[i] : "nothing";
    if (a != b) return absl::StrCat("the console has \"", a, "\" and \"", b, "\"");
  }
  return "";
}

std::optional<Finding> compare(const RunPoint& a, const RunReport& one, const RunPoint& b,
                               const RunReport& other) {
  const bool one_vcpu = a.settings.vcpus == 1 && b.settings.vcpus == 1;
  const bool no_speculation = one_vcpu && !a.speculates() && !b.speculates();
  const std::string line =
      first_different_line(comparable_console(one, one_vcpu, no_speculation),
                           comparable_console(other, one_vcpu, no_speculation));
  if (!line.empty()) {
    return Finding{.law = Law::kResult, .what = line, .kind = sort_of(line), .runs = {}};
  }
  if (!same_counters(a, b)) return std::nullopt;
  const std::string difference = first_difference(one.counters, other.counters);
  if (difference.empty()) return std::nullopt;
  return Finding{.law = Law::kCounters, .what = difference, .kind = "counters", .runs = {}};
}

}  // namespace

const char* law_name(Law law) {
  switch (law) {
    case Law::kEnds:
      return "every run ends";
    case Law::kModel:
      return "memory is what the model says";
    case Law::kSound:
      return "no crash, leak or disagreement";
    case Law::kResult:
      return "the result is the same in all runs";
    case Law::kCounters:
      return "counters are the same in like runs";
  }
  return "?";
}

// What is not compared: the guest's line about its settings; addresses of code; with several vCPUs
// the order of lines, numbers of processes, and what entries say.
std::string comparable_console(const RunReport& report, bool one_vcpu, bool no_speculation) {
  std::vector<std::string> kept;
  for (const absl::string_view line : absl::StrSplit(report.console, '\n')) {
    if (absl::StartsWith(line, "pvmmu guest: ")) continue;
    if (absl::StartsWith(line, kOneVcpuLine) && !one_vcpu) continue;
    if (absl::StartsWith(line, kAgedLine) && !no_speculation) continue;
    if (absl::StartsWith(line, "pid ")) {
      const size_t at = line.find(" at ");
      const size_t comma = line.find(',', at == absl::string_view::npos ? 0 : at);
      std::string killed(line.substr(0, at));
      if (comma != absl::string_view::npos) absl::StrAppend(&killed, line.substr(comma));
      kept.push_back(one_vcpu ? killed : killed.substr(killed.find(':')));
      continue;
    }
    kept.emplace_back(line);
  }
  if (!one_vcpu) std::sort(kept.begin(), kept.end());
  return absl::StrJoin(kept, "\n");
}

std::optional<Finding> judge(std::span<const RunPoint> points, std::span<const RunReport> reports) {
  for (size_t i = 0; i < points.size(); ++i) {
    std::optional<Finding> found = judge_one(reports[i]);
    if (!found) continue;
    found->runs = {i};
    return found;
  }
  for (size_t i = 0; i < points.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      std::optional<Finding> found = compare(points[j], reports[j], points[i], reports[i]);
      if (!found) continue;
      found->runs = {j, i};
      return found;
    }
  }
  return std::nullopt;
}

}  // namespace vmm::fuzz
