#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/command.h"
#include "cli/guest_input.h"
#include "cli/interrupt_flag.h"
#include "cli/messages.h"
#include "cli/nested_run.h"
#include "cli/progress_line.h"
#include "cli/run_outcome.h"
#include "cli/run_settings.h"
#include "cli/search_bounds.h"
#include "fuzz/session.h"
#include "nlohmann/json.hpp"
#include "spdlog/spdlog.h"

namespace vmm {
namespace {

constexpr const char* kName = "fuzz";
constexpr double kDefaultSeconds = 10;

struct FuzzSettings {
  fuzz::SessionOptions session;
  RunSettings machine;  // its kvm alone
  StatsForm stats = StatsForm::kTable;
};

void add_flags(FlagSet& flags, FuzzSettings& settings) {
  fuzz::SessionOptions& session = settings.session;
  add_search_bounds(flags, "workloads", kDefaultSeconds, session.seconds, session.count);
  flags.add_integer("seed", "N", {0, ~uint64_t{0}},
                    "Workloads and settings follow from it (default 1).", session.seed);
  flags.add_integer("jobs", "N", {1, fuzz::kMostJobs}, "Processes at work at once (default 1).",
                    session.jobs);
  flags.add_integer("runs", "N", {1, 16},
                    "Runs of each workload: one to compare with, and others whose\n"
                    "settings change from round to round; with 3 and more, one has\n"
                    "the same mode, queue and locks (default 2).",
                    session.runs);
  flags.add_integer("operations", "N", {1, 1000}, "Statements of a workload (default 100).",
                    session.operations);
  flags.add_text("corpus", "DIR",
                 "Keep what fails there, and first try what is there (default:\n"
                 "what fails is kept in the current folder).",
                 session.corpus);
  flags.add_integer("failures", "N", {1, 1000}, "Stop after so many failures (default 1).",
                    session.failures);
  flags.add_choice<bool>("shrink", {{"on", true}, {"off", false}},
                         "Make what fails as small as it goes (default on).", session.shrink);
  flags.add_choice<EngineKind>("engine", {{"kvm", EngineKind::kKvm}, {"sim", EngineKind::kSim}},
                               "sim, or kvm: then the reference is still sim (default sim).",
                               session.bed.engine);
  flags.add_integer("vcpus", "N", {1, 4},
                    "Processors (default 1). With several, counts and what entries\n"
                    "say are not compared.",
                    session.bed.vcpus);
  flags.add_optional("check-rules", "MODEL,...",
                     "The guest kernel checks in all runs how it touches page-table\n"
                     "entries, as in `pvmmu run`; a breach fails the workload.",
                     [&session](absl::string_view value) {
                       const auto rules = parse_check_rules(value);
                       if (rules.ok()) session.bed.check_rules = *rules;
                       return rules.status();
                     });
  add_kvm_flag(flags, "auto", settings.machine);
  flags.add_choice<StatsForm>(
      "stats",
      {{"table", StatsForm::kTable}, {"json", StatsForm::kJson}, {"none", StatsForm::kNone}},
      "Form of what is said at the end (default table).", settings.stats);
}

std::string progress_text(const fuzz::SessionTotals& totals) {
  return absl::StrFormat("%d workloads, %d runs, %.0f workloads/s, %.0f s", totals.workloads,
                         totals.runs, totals.rate(), totals.seconds);
}

fuzz::GuestMachine guest_machine(const KvmTraits& traits) {
  fuzz::GuestMachine guest;
  guest.elf = builtin_guest();
  guest.traits = traits;
  guest.outcome = [](const RunResult& result) {
    const RunOutcome outcome = describe_outcome(result, builtin_guest());
    return fuzz::GuestMachine::Outcome{exit_code(outcome.status), outcome.report};
  };
  return guest;
}

std::string failure_report(const fuzz::Failure& failure) {
  std::string text =
      absl::StrCat("pvmmu: a law was broken: ", fuzz::law_name(failure.finding.law), "\n  ",
                   failure.finding.what, "\n  found by ", failure.origin, "\n");
  absl::StrAppend(&text, failure.text, "Run it again:\n");
  const std::string place = failure.path.empty() ? "FILE.wl" : failure.path;
  for (const std::string& flags : failure.flags) {
    absl::StrAppend(&text, "  pvmmu run --workload=", place, " ", flags, "\n");
  }
  return text;
}

// Each group of what can be covered, and what of it was.
nlohmann::ordered_json coverage_json(const fuzz::SessionTotals& totals) {
  nlohmann::ordered_json groups = nlohmann::ordered_json::object();
  const auto& names = fuzz::coverage_names();
  for (size_t i = 0; i < names.size(); ++i) {
    if (!names[i].group.empty()) groups[names[i].group][names[i].name] = totals.covered[i];
  }
  return groups;
}

nlohmann::ordered_json result_json(const FuzzSettings& settings,
                                   const fuzz::SessionResult& result) {
  const fuzz::SessionTotals& totals = result.totals;
  nlohmann::ordered_json failures = nlohmann::ordered_json::array();
  for (const fuzz::Failure& failure : result.failures) {
    failures.push_back({{"law", fuzz::law_name(failure.finding.law)},
                        {"what", failure.finding.what},
                        {"origin", failure.origin},
                        {"file", failure.path},
                        {"workload", failure.text},
                        {"runs", failure.flags}});
  }
  return {{"schema", "pvmmu-fuzz-1"},
          {"seed", settings.session.seed},
          {"engine", settings.session.bed.engine == EngineKind::kSim ? "sim" : "kvm"},
          {"vcpus", settings.session.bed.vcpus},
          {"jobs", settings.session.jobs},
          {"workloads", totals.workloads},
          {"statements", totals.statements},
          {"runs", totals.runs},
          {"replayed", totals.replayed},
          {"shrink_runs", totals.shrink_runs},
          {"seconds", totals.seconds},
          {"workloads_per_second", totals.rate()},
          {"covered", coverage_json(totals)},
          {"failures", failures},
          {"partial", result.interrupted}};
}

std::string result_table(const fuzz::SessionResult& result) {
  const fuzz::SessionTotals& totals = result.totals;
  std::string text = absl::StrFormat(
      "%d workloads of %d statements, %d runs in %.1f s: %.0f workloads/s%s\n", totals.workloads,
      totals.workloads == 0 ? 0 : totals.statements / totals.workloads, totals.runs, totals.seconds,
      totals.rate(), result.interrupted ? ", interrupted" : "");
  if (totals.replayed != 0) {
    absl::StrAppend(&text, totals.replayed, " of the corpus came first\n");
  }
  std::vector<std::string> missing;
  const auto covered = coverage_json(totals);
  for (const auto& [group, names] : covered.items()) {
    std::vector<std::string> parts;
    for (const auto& [name, count] : names.items()) {
      if (count == 0) {
        missing.push_back(absl::StrCat(group, " ", name));
      } else {
        parts.push_back(absl::StrCat(name, " ", count.template get<uint64_t>()));
      }
    }
    absl::StrAppendFormat(&text, "%-11s %s\n", group, absl::StrJoin(parts, ", "));
  }
  if (!missing.empty()) absl::StrAppend(&text, "never: ", absl::StrJoin(missing, ", "), "\n");
  absl::StrAppend(&text, result.failures.size(), " failures\n");
  return text;
}

int end_of(const fuzz::SessionResult& result) {
  if (!result.failures.empty()) return exit_code(ExitStatus::kGuestFailed);
  return exit_code(result.interrupted ? ExitStatus::kInterrupted : ExitStatus::kSuccess);
}

int fuzz_here(const FuzzSettings& settings, const KvmPlace& place) {
  spdlog::set_level(spdlog::level::err);
  install_interrupt_flag();
  const fuzz::GuestMachine guest = guest_machine(place.traits);
  absl::StatusOr<fuzz::SessionResult> result;
  {
    ProgressLine progress;
    fuzz::SessionCalls calls;
    calls.interrupted = interrupted;
    calls.progress = [&progress](const fuzz::SessionTotals& totals) {
      progress.show(progress_text(totals));
    };
    calls.found = [&progress](const fuzz::Failure& failure) {
      progress.clear();
      say_lines(failure_report(failure));
    };
    result = fuzz::run_session(settings.session, guest, calls);
  }
  if (!result.ok()) return fail(result.status());
  if (settings.stats == StatsForm::kNone) return end_of(*result);
  const int printed =
      print_help(settings.stats == StatsForm::kJson ? result_json(settings, *result).dump() + "\n"
                                                    : result_table(*result));
  return printed == exit_code(ExitStatus::kSuccess) ? end_of(*result) : printed;
}

}  // namespace

std::string fuzz_help() {
  FuzzSettings settings;
  FlagSet flags("pvmmu fuzz");
  add_flags(flags, settings);
  return absl::StrCat(
      "Makes random workloads and holds them to the laws: memory is what a plain model says, and\n"
      "the result is the same in all modes, with all queues, locks, processors and interruptions.\n"
      "\n"
      "  pvmmu fuzz [flags]\n"
      "\n"
      "For ten seconds, in this process's simulator:\n"
      "  pvmmu fuzz\n"
      "For an hour on two processors of this machine, keeping what fails:\n"
      "  pvmmu fuzz --time=3600 --jobs=2 --seed=$RANDOM --corpus=failures\n"
      "The same workloads on KVM, compared with the simulator:\n"
      "  pvmmu fuzz --engine=kvm --count=50\n"
      "Guests with four processors:\n"
      "  pvmmu fuzz --vcpus=4 --time=60\n"
      "By the rules for touching a pte, too:\n"
      "  pvmmu fuzz --check-rules --count=500\n"
      "For a script:\n"
      "  pvmmu fuzz --count=200 --stats=json | jq '.workloads_per_second, .covered.statements'\n"
      "\n"
      "What fails is made small, shown, kept as a .wl file, and run again by `pvmmu run` as "
      "shown.\n"
      "\n"
      "Flags\n",
      flags.help(),
      "\n"
      "Exit status: 0 all laws were kept, 1 one was broken, 2 bad usage or an unusable corpus, 3\n"
      "this host cannot, 130 interrupted (what was done so far is said).\n");
}

int fuzz_command(const Arguments& arguments) {
  FuzzSettings settings;
  FlagSet flags("pvmmu fuzz");
  add_flags(flags, settings);
  const absl::StatusOr<Arguments> others = flags.parse(arguments);
  if (!others.ok()) return usage_error(kName, others.status().message());
  if (flags.help_requested()) return print_help(fuzz_help());
  if (!others->empty()) {
    return usage_error(kName, absl::StrCat("takes flags alone, not ", others->front()));
  }
  const bool simulated = settings.session.bed.engine == EngineKind::kSim;
  if (simulated && flags.given("kvm")) {
    return usage_error(kName, "--kvm: needs --engine=kvm");
  }
  if (!settings.session.seconds && !settings.session.count) {
    settings.session.seconds = kDefaultSeconds;
  }
  const absl::StatusOr<KvmPlace> place = simulated ? no_kvm() : choose_kvm(settings.machine.kvm);
  if (!place.ok()) return host_cannot(place.status());
  if (!place->nested) return fuzz_here(settings, *place);
  if (!settings.session.corpus.empty()) {
    return usage_error(kName, "--corpus: a nested machine does not see this one's files");
  }
  constexpr uint64_t kMemoryMib = 16;
  return run_nested_command(kName, arguments, *place, kMemoryMib * settings.session.jobs, {});
}

}  // namespace vmm
