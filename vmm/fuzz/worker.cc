#include "fuzz/worker.h"

#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "fuzz/generator.h"
#include "fuzz/shrink.h"
#include "nlohmann/json.hpp"
#include "workload/compiler.h"
#include "workload/parser.h"
#include "workload/printer.h"
#include "workload/workload.h"

namespace vmm::fuzz {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kName = "fuzz.wl";
// Machines are prepared once in a round.
constexpr uint64_t kRoundSimulated = 50, kRoundOfKvm = 4;
constexpr auto kShrinkPatience = std::chrono::seconds(60);

uint64_t mixed(uint64_t seed, uint64_t number) {
  Random random(seed ^ number * 0x9e3779b97f4a7c15);
  return random.next();
}

// What is longer than a packet goes without its text.
void send_failure(int socket, Failure failure) {
  for (const bool last : {false, true}) {
    const std::string bytes = encode_failure(failure);
    if (send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL) >= 0 || last) return;
    failure.text.clear();
  }
}

}  // namespace

absl::Status Worker::run(const std::vector<CorpusEntry>& corpus) {
  for (size_t i = number_; i < corpus.size() && !stopping(); i += options_.jobs) {
    if (const absl::Status status = replay(corpus[i]); !status.ok()) return status;
  }
  const uint64_t size = options_.bed.engine == EngineKind::kSim ? kRoundSimulated : kRoundOfKvm;
  for (uint64_t number = number_; !stopping(); number += options_.jobs) {
    if (options_.count && number * size >= *options_.count) break;
    const uint64_t left = options_.count ? *options_.count - number * size : size;
    if (const absl::Status status = round(number, std::min(size, left)); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status Worker::replay(const CorpusEntry& entry) {
  const auto program = compile_workload(entry.text, entry.path);
  if (!program.ok()) return program.status();
  Random random(options_.seed);
  const auto points =
      entry.points.empty()
          ? random_points(options_.bed, static_cast<unsigned>(options_.runs), random)
          : entry.points;
  const auto runner = Runner::create(points, guest_);
  if (!runner.ok()) return runner.status();
  const std::optional<Finding> found = judge_program(**runner, *program);
  ++tally().replayed;
  if (!found || stopping()) return absl::OkStatus();
  Failure failure{*found, entry.text, entry.path, entry.path, {}};
  for (const size_t run : found->runs) failure.flags.push_back(points[run].text());
  send_failure(failures_, std::move(failure));
  return absl::OkStatus();
}

absl::Status Worker::round(uint64_t number, uint64_t workloads) {
  Random random(mixed(options_.seed, ~number));
  const auto points = random_points(options_.bed, static_cast<unsigned>(options_.runs), random);
  const uint64_t size = options_.bed.engine == EngineKind::kSim ? kRoundSimulated : kRoundOfKvm;
  const uint64_t first = number * size;
  if (std::none_of(points.begin(), points.end(), audited)) {
    return try_workloads(points, first, workloads);
  }
  // A recount after every call takes its time.
  constexpr uint64_t kMostWithAudits = 4;
  const uint64_t with_audits = std::min(workloads, kMostWithAudits);
  if (const absl::Status status = try_workloads(points, first, with_audits); !status.ok()) {
    return status;
  }
  return try_workloads(without_audits(points), first + with_audits, workloads - with_audits);
}

absl::Status Worker::try_workloads(const std::vector<RunPoint>& points, uint64_t first,
                                   uint64_t count) {
  if (count == 0 || stopping()) return absl::OkStatus();
  const auto runner = Runner::create(points, guest_);
  if (!runner.ok()) return runner.status();
  for (uint64_t i = 0; i < count && !stopping(); ++i) try_workload(**runner, first + i);
  return absl::OkStatus();
}

std::optional<Finding> Worker::judge_program(Runner& runner, std::span<const std::byte> program) {
  const std::vector<RunReport> reports = runner.run_all(program);
  tally().runs += reports.size();
  for (const RunPoint& point : runner.points()) cover(point, tally().covered);
  return judge(runner.points(), reports);
}

void Worker::try_workload(Runner& runner, uint64_t number) {
  GeneratorOptions generated;
  generated.operations = static_cast<unsigned>(options_.operations);
  generated.breaks_rules = options_.bed.check_rules.empty();
  const Script script = Generator(mixed(options_.seed, number), generated).make();
  const std::string text = print_script(script);
  const auto program = compile_workload(text, kName);
  const std::string origin = absl::StrCat("workload ", number, " of seed ", options_.seed);
  std::optional<Finding> found;
  if (program.ok()) {
    found = judge_program(runner, *program);
  } else {
    found = Finding{Finding::Law::kModel, std::string(program.status().message()), "compiler", {}};
  }
  if (stopping()) return;  // what was interrupted says nothing
  ++tally().workloads;
  tally().statements += statement_count(script);
  cover(script, tally().covered);
  if (!found) return;
  std::vector<RunPoint> points;
  for (const size_t run : found->runs) points.push_back(runner.points()[run]);
  const bool shrinks = options_.shrink && program.ok();
  const std::string kept = shrinks ? shrunk(text, *found, points) : text;
  report(kept, *found, points, origin);
}

// With the runs that show it alone.
std::string Worker::shrunk(const std::string& text, Finding& finding,
                           const std::vector<RunPoint>& points) {
  const auto script = parse_script(text, kName);
  const auto runner = Runner::create(points, guest_);
  if (!script.ok() || !runner.ok()) return text;
  const auto deadline = Clock::now() + kShrinkPatience;
  const GiveUp give_up = [&] { return stopping() || Clock::now() > deadline; };
  const StillFails still_fails = [&](const Script& candidate) {
    const auto program = compile_workload(print_script(candidate), kName);
    if (!program.ok()) return false;
    tally().shrink_runs += points.size();
    const auto found = judge(points, (*runner)->run_all(*program));
    if (!found || !found->same_sort(finding)) return false;
    finding.what = found->what;
    return true;
  };
  return print_script(shrink(*script, still_fails, give_up));
}

void Worker::report(const std::string& script, const Finding& finding,
                    const std::vector<RunPoint>& points, const std::string& origin) {
  Failure failure{finding, failure_text(script, finding, points), "", origin, {}};
  for (const RunPoint& point : points) failure.flags.push_back(point.text());
  const std::string folder = options_.corpus.empty() ? "." : options_.corpus;
  if (auto path = keep_failure(folder, failure.text); path.ok()) failure.path = *path;
  send_failure(failures_, std::move(failure));
}

std::string encode_failure(const Failure& failure) {
  const nlohmann::json json = {{"law", failure.finding.law},   {"what", failure.finding.what},
                               {"kind", failure.finding.kind}, {"text", failure.text},
                               {"path", failure.path},         {"origin", failure.origin},
                               {"flags", failure.flags}};
  return json.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
}

std::optional<Failure> decode_failure(std::string& bytes) {
  const size_t end = bytes.find('\n');
  if (end == std::string::npos) return std::nullopt;
  const nlohmann::json json = nlohmann::json::parse(bytes.substr(0, end));
  bytes.erase(0, end + 1);
  Failure failure;
  failure.finding.law = json.at("law").get<Finding::Law>();
  failure.finding.what = json.at("what");
  failure.finding.kind = json.at("kind");
  failure.text = json.at("text");
  failure.path = json.at("path");
  failure.origin = json.at("origin");
  failure.flags = json.at("flags");
  return failure;
}

}  // namespace vmm::fuzz
