#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/code_names.h"
#include "cli/command.h"
#include "cli/explore_report.h"
#include "cli/guest_input.h"
#include "cli/input_file.h"
#include "cli/interrupt_flag.h"
#include "cli/messages.h"
#include "cli/progress_line.h"
#include "cli/run_outcome.h"
#include "cli/run_settings.h"
#include "cli/search_bounds.h"
#include "cli/trace_facts.h"
#include "explore/guest_runs.h"
#include "explore/schedule_file.h"
#include "explore/search.h"
#include "explore/timeline.h"
#include "spdlog/spdlog.h"
#include "stats/stats_output.h"
#include "trace/trace.h"

namespace vmm {
namespace {

constexpr const char* kName = "explore";
constexpr double kDefaultSeconds = 60;

struct MachineFlag {
  const char* name;
  const char* value_name;
  const char* help;
};
// Those of `pvmmu run` that a searched machine has too, and means the same by.
constexpr MachineFlag kMachineFlags[] = {
    {"vcpus", "N", "Processors, 2 to 4 (default 2)."},
    {"mode", "MODE", "How the guest kernel writes its page tables (default batched)."},
    {"batch", "ENTRIES[:ARGBYTES]", "Limits of the guest's queue."},
    {"split-ptl", "on|off", "A lock per page-table page (default on)."},
    {"sim-tlb", "MODEL", "What a processor remembers (default full)."},
    {"check-rules", "MODEL,...", "The guest checks how it touches entries; a breach fails."},
    {"audit", "call|exit|off", "Recount all references (default exit)."},
    {"notifier-protocol", "sequence|recall", "How secondary faults are kept apart from changes."},
    {"memory", "MIB", "Memory of the guest in MiB (default 16)."},
};

struct ExploreSettings {
  explore::SearchOptions search;
  uint64_t most_points = 100000;
  std::string schedule;  // file to replay
  std::string save;      // file for what fails; empty: named after the workload
  std::string trace;     // file; empty: none
  bool whole = false;
  bool states = true;
  bool json = false;
  std::string workload;
  std::vector<std::string> machine;  // flags
};

void add_search_flags(FlagSet& flags, ExploreSettings& settings) {
  explore::SearchOptions& search = settings.search;
  flags.add_integer("bound", "N", {0, 8}, "Try all schedules with so many switches (default 2).",
                    search.bound);
  flags.add_choice<bool>("walks", {{"on", true}, {"off", false}},
                         "Random schedules as well, between those with two switches and\n"
                         "more, and when all are done (default on).",
                         search.walks);
  add_search_bounds(flags, "schedules", kDefaultSeconds, search.seconds, search.count);
  flags.add_integer("seed", "N", {0, ~uint64_t{0}},
                    "The order and the walks follow from it (default 1).", search.seed);
  flags.add_integer("jobs", "N", {1, 64}, "Runs at once (default 1).", search.jobs);
  flags.add_integer("points", "N", {1, 1'000'000},
                    "A run that passes more points is one without end (default 100000).",
                    settings.most_points);
}

void add_flags(FlagSet& flags, ExploreSettings& settings) {
  add_search_flags(flags, settings);
  flags.add_choice<bool>("states", {{"on", true}, {"off", false}},
                         "A run of a round ends where it comes to a state that is known\n"
                         "(default on).",
                         settings.states);
  flags.add_choice<bool>("shrink", {{"on", true}, {"off", false}},
                         "Make what fails as short as it goes (default on).",
                         settings.search.shrink);
  flags.add_switch("shortest",
                   "When a run failed, try all schedules with fewer switches than it\n"
                   "needs as well, up to --bound, for the rest of the time.",
                   settings.search.shortest);
  flags.add_text("schedule", "FILE",
                 "Instead of a search, the one run that was saved there, as a\n"
                 "time-line. Workload and machine are those of the file, unless\n"
                 "others are named.",
                 settings.schedule);
  flags.add_text("trace", "FILE",
                 "With --schedule: what the guest and the hypervisor do in that\n"
                 "run, as `pvmmu run --trace` has it.",
                 settings.trace);
  flags.add_text("save", "FILE",
                 "Where the schedule that fails goes (default\n"
                 "explore-WORKLOAD.json in the current folder).",
                 settings.save);
  flags.add_switch("whole", "Every point in the time-line.", settings.whole);
  flags.add_switch("json", "One line of JSON instead of words.", settings.json);
  for (const MachineFlag& flag : kMachineFlags) {
    const auto keep = [&settings, &flag](absl::string_view value) {
      settings.machine.push_back(absl::StrCat("--", flag.name, "=", value));
      return absl::OkStatus();
    };
    if (absl::string_view(flag.name) == "check-rules") {
      flags.add_optional(flag.name, flag.value_name, flag.help, keep);
    } else {
      flags.add(flag.name, flag.value_name, flag.help, keep);
    }
  }
}

absl::StatusOr<fuzz::RunPoint> machine_point(const std::vector<std::string>& flags) {
  std::vector<std::string> all = {"--engine=sim", "--vcpus=2", "--memory=16"};
  for (const std::string& flag : flags)
    all.push_back(flag == "--check-rules=" ? "--check-rules" : flag);
  auto point = fuzz::run_point(std::move(all));
  if (point.ok() && point->settings.vcpus < 2) {
    return absl::InvalidArgumentError("--vcpus: one processor has no interleavings");
  }
  return point;
}

fuzz::GuestMachine guest_machine(const RunSettings& settings) {
  fuzz::GuestMachine guest;
  guest.elf = builtin_guest();
  guest.outcome = [settings](const RunResult& result) {
    const RunOutcome outcome = describe_outcome(result, builtin_guest(), settings);
    return fuzz::GuestMachine::Outcome{exit_code(outcome.status), outcome.report};
  };
  return guest;
}

// What the runs of a search need.
struct Bench {
  fuzz::RunPoint point;
  fuzz::GuestMachine guest;
  std::unique_ptr<explore::KnownStates> states;           // null: not looked at
  std::unique_ptr<Trace> trace;                           // null: none
  std::vector<std::unique_ptr<explore::GuestRuns>> runs;  // one for each job
};

// `trace`: where that of the only run goes.
absl::StatusOr<Bench> set_up(const ExploreSettings& settings, uint64_t jobs,
                             std::optional<OutputFile> trace = std::nullopt) {
  auto point = machine_point(settings.machine);
  if (!point.ok()) return point.status();
  auto input = read_guest_input("", settings.workload);
  if (!input.ok()) return input.status();
  Bench bench{*point, guest_machine(point->settings), nullptr, nullptr, {}};
  if (trace) {
    const RunSettings& run = point->settings;
    const KvmPlace place = no_kvm();
    bench.trace = std::make_unique<Trace>(*std::move(trace), trace_name(run, *input, place),
                                          trace_facts(run, *input, place),
                                          static_cast<unsigned>(run.vcpus), input->labels);
    bench.guest.trace = bench.trace.get();
  }
  if (settings.states) {
    auto states = explore::KnownStates::create();
    if (!states.ok()) return states.status();
    bench.states = std::make_unique<explore::KnownStates>(*std::move(states));
  }
  for (uint64_t job = 0; job < jobs; ++job) {
    auto runs =
        explore::GuestRuns::create(bench.point, bench.guest, input->module,
                                   static_cast<uint32_t>(settings.most_points), bench.states.get());
    if (!runs.ok()) return runs.status();
    bench.runs.push_back(*std::move(runs));
  }
  return bench;
}

explore::TimelineStyle style_of(const ExploreSettings& settings, const Bench& bench) {
  const uint64_t vcpus = bench.point.settings.vcpus;
  return {.code_name = code_names(EngineKind::kSim, {}),
          .turn_name =
              [vcpus](unsigned turn) {
                return turn < vcpus ? absl::StrCat("vCPU ", turn) : std::string("accelerator");
              },
          .whole = settings.whole};
}

std::string place_of(const ExploreSettings& settings) {
  if (!settings.save.empty()) return settings.save;
  std::string name = settings.workload.substr(settings.workload.rfind('/') + 1);
  if (name.ends_with(".wl")) name.resize(name.size() - 3);
  return absl::StrCat("explore-", name, ".json");
}

absl::Status save_schedule(const ExploreSettings& settings, const explore::FoundFailure& failure) {
  auto file = OutputFile::create(place_of(settings));
  if (!file.ok()) return file.status();
  return file->commit(explore::schedule_text(
      {settings.workload, settings.machine, failure.shortest.schedule(), failure.shortest.what}));
}

int search_here(const ExploreSettings& settings) {
  spdlog::set_level(spdlog::level::off);
  install_interrupt_flag();
  auto bench = set_up(settings, settings.search.jobs);
  if (!bench.ok()) return fail(bench.status());
  explore::SearchResult result;
  {
    ProgressLine progress;
    explore::SearchCalls calls;
    calls.run = [&](unsigned job, const explore::Plan& plan) {
      return bench->runs[job]->run(plan);
    };
    calls.interrupted = interrupted;
    calls.progress = [&progress](const explore::SearchTotals& totals) {
      progress.show(explore_progress(totals));
    };
    result = explore::search(settings.search, calls);
  }
  if (!result.cannot.empty()) return host_cannot(absl::InternalError(result.cannot));
  ExploreReport report{settings.workload, settings.machine, result, "", ""};
  if (result.failure) {
    if (auto status = save_schedule(settings, *result.failure); !status.ok()) {
      return cannot_write(status);
    }
    report.saved = place_of(settings);
    explore::Plan plan;
    plan.switches = result.failure->shortest.schedule();
    plan.detailed = true;
    report.timeline = explore::timeline(bench->runs[0]->run(plan), style_of(settings, *bench));
  }
  const int printed = print_help(settings.json ? explore_json(report) : explore_text(report));
  if (printed != exit_code(ExitStatus::kSuccess)) return printed;
  if (result.failure) return exit_code(ExitStatus::kGuestFailed);
  return exit_code(result.interrupted ? ExitStatus::kInterrupted : ExitStatus::kSuccess);
}

int replay_here(ExploreSettings settings) {
  spdlog::set_level(spdlog::level::off);
  const auto bytes = read_input_file(settings.schedule);
  if (!bytes.ok()) return fail(bytes.status());
  const auto saved = explore::parse_schedule(
      {reinterpret_cast<const char*>(bytes->data()), bytes->size()}, settings.schedule);
  if (!saved.ok()) return fail(saved.status());
  if (settings.workload.empty()) settings.workload = saved->workload;
  settings.machine.insert(settings.machine.begin(), saved->flags.begin(), saved->flags.end());
  std::optional<OutputFile> trace;
  if (!settings.trace.empty()) {
    auto file = OutputFile::create(settings.trace);
    if (!file.ok()) return cannot_write(file.status());
    trace.emplace(*std::move(file));
  }
  auto bench = set_up(settings, 1, std::move(trace));
  if (!bench.ok()) return fail(bench.status());
  explore::Plan plan;
  plan.switches = saved->switches;
  plan.detailed = true;
  const explore::RunRecord record = bench->runs[0]->run(plan);
  if (record.verdict == explore::Verdict::kCannot) {
    return host_cannot(absl::InternalError(record.what));
  }
  if (record.verdict == explore::Verdict::kUnwritten) {
    return cannot_write(absl::InternalError(absl::StrCat(settings.trace, ": ", record.what)));
  }
  const std::string line = explore::timeline(record, style_of(settings, *bench));
  const ReplayReport report{settings.workload, settings.machine, saved->switches, record, line};
  const int printed = print_help(settings.json ? replay_json(report) : replay_text(report));
  if (printed != exit_code(ExitStatus::kSuccess)) return printed;
  return exit_code(is_failure(record.verdict) ? ExitStatus::kGuestFailed : ExitStatus::kSuccess);
}

}  // namespace

std::string explore_help() {
  ExploreSettings settings;
  FlagSet flags("pvmmu explore");
  add_flags(flags, settings);
  return absl::StrCat(
      "Runs a workload over and over on processors in software, each time with other moments at\n"
      "which one processor goes on instead of another, and looks for a run that fails.\n"
      "\n"
      "  pvmmu explore WORKLOAD [flags]\n"
      "\n"
      "All schedules with one switch, then those with two, and random ones, for a minute:\n"
      "  pvmmu explore fork-exit\n"
      "Exactly those with one switch, on two processors of this machine:\n"
      "  pvmmu explore mine.wl --bound=1 --walks=off --time=3600 --jobs=2\n"
      "What failed, once more, step by step; then with a recount after every call:\n"
      "  pvmmu explore --schedule=explore-mine.json\n"
      "  pvmmu explore --schedule=explore-mine.json --audit=call\n"
      "  pvmmu explore --schedule=explore-mine.json --trace=mine.json\n"
      "For a script:\n"
      "  pvmmu explore mine.wl --count=2000 --json | jq '.tried, .failure.switches'\n"
      "\n"
      "A run fails if the workload says so, the guest crashes, references do not add up, a\n"
      "translation is used that must be gone, or nobody can go on. The schedule is then made\n"
      "short, saved, and shown as a time-line.\n"
      "\n"
      "Flags\n",
      flags.help(),
      "\n"
      "Exit status: 0 no run failed, 1 one did, 2 bad usage or an unusable workload or file, 3\n"
      "this host cannot, 130 interrupted (what was done so far is said).\n");
}

int explore_command(const Arguments& arguments) {
  ExploreSettings settings;
  FlagSet flags("pvmmu explore");
  add_flags(flags, settings);
  const absl::StatusOr<Arguments> others = flags.parse(arguments);
  if (!others.ok()) return usage_error(kName, others.status().message());
  if (flags.help_requested()) return print_help(explore_help());
  if (others->size() > 1) {
    return usage_error(kName, absl::StrCat("one workload at a time, not also ", (*others)[1]));
  }
  if (!others->empty()) settings.workload = others->front();
  if (settings.workload.empty() && settings.schedule.empty()) {
    return usage_error(kName, "which workload? `pvmmu workloads` lists those that there are");
  }
  if (!settings.trace.empty() && settings.schedule.empty()) {
    return usage_error(kName, "--trace: of the one run of --schedule, not of a search");
  }
  if (const auto point = machine_point(settings.machine); !point.ok()) {
    return usage_error(kName, point.status().message());
  }
  if (!settings.schedule.empty()) return replay_here(std::move(settings));
  if (!settings.search.seconds && !settings.search.count) settings.search.seconds = kDefaultSeconds;
  return search_here(settings);
}

}  // namespace vmm
