#include "cli/explore_report.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "explore/schedule_file.h"
#include "nlohmann/json.hpp"

namespace vmm {
namespace {

using explore::FoundFailure;
using explore::SearchTotals;
using explore::switches_json;
using explore::Verdict;
using Json = nlohmann::ordered_json;

const char* verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kFine:
      return "fine";
    case Verdict::kFailed:
      return "failed";
    case Verdict::kDied:
      return "died";
    case Verdict::kDeadlock:
      return "deadlock";
    case Verdict::kEndless:
      return "endless";
    case Verdict::kKnown:
      return "known";
    case Verdict::kCannot:
      return "cannot";
    case Verdict::kUnwritten:
      return "unwritten";
  }
  return "";
}

std::string line_of(const Json& json) {
  return json.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
}

std::string switches_text(size_t count) {
  return count == 0 ? "no switch" : count == 1 ? "1 switch" : absl::StrCat(count, " switches");
}

std::string indented(absl::string_view text) {
  return absl::StrCat(
      "  ", absl::StrJoin(absl::StrSplit(absl::StripAsciiWhitespace(text), '\n'), "\n  "), "\n");
}

double rate(const SearchTotals& totals) {
  return totals.seconds > 0 ? static_cast<double>(totals.tried()) / totals.seconds : 0;
}

// Whether it is known that no schedule with fewer switches fails.
bool is_shortest(const explore::SearchResult& result) {
  return result.totals.all_below() >= result.failure->shortest.schedule().size();
}

std::string need_text(const explore::SearchResult& result) {
  const FoundFailure& failure = *result.failure;
  const size_t count = failure.shortest.schedule().size(), before = failure.found.schedule().size();
  std::string text = absl::StrCat("It needs ", switches_text(count));
  if (count != before) absl::StrAppend(&text, ", of ", before);
  if (count == 0) return text;
  if (is_shortest(result)) {
    absl::StrAppend(&text, "; all schedules with fewer were tried");
  } else if (failure.minimal) {
    absl::StrAppend(&text, "; none of them can be left out");
  }
  return text;
}

}  // namespace

std::string explore_progress(const SearchTotals& totals) {
  if (totals.switches_left) {
    return absl::StrFormat("one failed; it is made shorter: %s left after %d runs, %.0f s",
                           switches_text(*totals.switches_left), totals.shrinking, totals.seconds);
  }
  std::vector<std::string> parts;
  for (size_t switches = 0; switches < totals.rounds.size(); ++switches) {
    const explore::Round& round = totals.rounds[switches];
    parts.push_back(absl::StrCat(switches, ": ", round.tried, "/", round.schedules));
  }
  return absl::StrFormat("switches %s; %d walks; %.0f schedules/s, %.0f s",
                         absl::StrJoin(parts, ", "), totals.walks, rate(totals), totals.seconds);
}

std::string explore_text(const ExploreReport& report) {
  const SearchTotals& totals = report.result.totals;
  std::string text = absl::StrFormat(
      "%d schedules of %s in %.1f s, %.0f a second; a run passes up to %d points\n", totals.tried(),
      report.workload, totals.seconds, rate(totals), totals.longest);
  for (size_t switches = 0; switches < totals.rounds.size(); ++switches) {
    const explore::Round& round = totals.rounds[switches];
    absl::StrAppendFormat(&text, "  %-12s %d of %d%s\n", switches_text(switches), round.tried,
                          round.schedules, round.tried == round.schedules ? ", all" : "");
  }
  absl::StrAppendFormat(&text, "  %-12s %d\n", "by chance", totals.walks);
  if (totals.known != 0) {
    absl::StrAppendFormat(&text, "  %d came to a state that was known, and ended there\n",
                          totals.known);
  }
  if (!report.result.failure) {
    return absl::StrCat(text, report.result.interrupted ? "interrupted; " : "", "no run failed\n");
  }
  const FoundFailure& failure = *report.result.failure;
  absl::StrAppendFormat(&text, "schedule %d failed after %.1f s (%s%s):\n%s", failure.after,
                        failure.seconds, verdict_name(failure.shortest.verdict),
                        failure.by_chance ? ", found by chance" : "",
                        indented(failure.shortest.what));
  absl::StrAppend(&text, need_text(report.result), ":\n", report.timeline);
  absl::StrAppend(&text, "Run it again:\n  pvmmu explore --schedule=", report.saved, "\n");
  return text;
}

std::string explore_json(const ExploreReport& report) {
  const SearchTotals& totals = report.result.totals;
  Json rounds = Json::array();
  for (size_t switches = 0; switches < totals.rounds.size(); ++switches) {
    const explore::Round& round = totals.rounds[switches];
    rounds.push_back(
        {{"switches", switches}, {"schedules", round.schedules}, {"tried", round.tried}});
  }
  Json json = {{"schema", "pvmmu-explore-1"},
               {"workload", report.workload},
               {"flags", report.machine},
               {"tried", totals.tried()},
               {"rounds", rounds},
               {"walks", totals.walks},
               {"known_states", totals.known},
               {"points", totals.points},
               {"longest_run", totals.longest},
               {"all_below", totals.all_below()},
               {"shrinking_runs", totals.shrinking},
               {"seconds", totals.seconds},
               {"partial", report.result.interrupted},
               {"failure", nullptr}};
  if (report.result.failure) {
    const FoundFailure& failure = *report.result.failure;
    json["failure"] = {{"verdict", verdict_name(failure.shortest.verdict)},
                       {"what", failure.shortest.what},
                       {"schedule", failure.after},
                       {"seconds", failure.seconds},
                       {"by_chance", failure.by_chance},
                       {"found_switches", switches_json(failure.found.schedule())},
                       {"switches", switches_json(failure.shortest.schedule())},
                       {"minimal", failure.minimal},
                       {"shortest", is_shortest(report.result)},
                       {"timeline", report.timeline},
                       {"file", report.saved}};
  }
  return line_of(json);
}

std::string replay_text(const ReplayReport& report) {
  std::string text = report.timeline;
  if (report.record.schedule() != report.switches) {
    absl::StrAppend(&text,
                    "The run went another way: this is not the program, workload or machine "
                    "that the schedule is of.\n");
  }
  if (!is_failure(report.record.verdict)) return absl::StrCat(text, "the run ends well\n");
  return absl::StrCat(text, "the run fails (", verdict_name(report.record.verdict), "):\n",
                      indented(report.record.what));
}

std::string replay_json(const ReplayReport& report) {
  return line_of({{"schema", "pvmmu-replay-1"},
                  {"workload", report.workload},
                  {"flags", report.machine},
                  {"switches", switches_json(report.switches)},
                  {"followed", report.record.schedule() == report.switches},
                  {"points", report.record.points.size()},
                  {"verdict", verdict_name(report.record.verdict)},
                  {"what", report.record.what},
                  {"timeline", report.timeline}});
}

}  // namespace vmm
