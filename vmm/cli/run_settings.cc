#include "cli/run_settings.h"

#include <charconv>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/frame.h"
#include "guest_abi/lazy_lab.h"
#include "guest_abi/pte_rules.h"

namespace vmm {
namespace {

// What start_info and shared_info have room for. [xen/public/arch-x86/xen.h: XEN_LEGACY_MAX_VCPUS]
constexpr uint64_t kMaxVcpus = 32;
constexpr uint64_t kMaxVcpusOfBuiltIn = 4;
constexpr double kLongestTimeout = 1e7;
// Of --preempt-at: far beyond what any useful call makes.
constexpr uint64_t kLastStep = 1'000'000;
// start_info.cmd_line, with its end.
constexpr size_t kMaxCommandLine = 1024;

// Values of --notifier-protocol.
constexpr const char* kSequence = "sequence";
constexpr const char* kRecall = "recall";

FlagSet::Setter batch_setter(std::optional<multicall::Limits>& to) {
  return [&to](absl::string_view value) {
    const absl::StatusOr<multicall::Limits> limits = parse_batch(value);
    if (limits.ok()) to = *limits;
    return limits.status();
  };
}

FlagSet::Setter seconds_setter(std::optional<double>& to) {
  return [&to](absl::string_view value) {
    const absl::StatusOr<double> seconds = parse_seconds(value);
    if (seconds.ok()) to = *seconds;
    return seconds.status();
  };
}

FlagSet::Setter cuts_setter(pvmmu::ForcedCuts& to) {
  return [&to](absl::string_view value) {
    const absl::StatusOr<pvmmu::ForcedCuts> cuts = parse_cuts(value);
    if (cuts.ok()) to = *cuts;
    return cuts.status();
  };
}

FlagSet::Setter sim_tlb_setter(SimTlb& to) {
  return [&to](absl::string_view value) {
    const absl::StatusOr<SimTlb> tlb = parse_sim_tlb(value);
    if (tlb.ok()) to = *tlb;
    return tlb.status();
  };
}

FlagSet::Setter rules_setter(std::string& to) {
  return [&to](absl::string_view value) {
    const absl::StatusOr<std::string> rules = parse_check_rules(value);
    if (rules.ok()) to = *rules;
    return rules.status();
  };
}

// A flag whose values stand for themselves.
void add_named_choice(FlagSet& flags, absl::string_view name, std::span<const char* const> values,
                      absl::string_view help, std::string& to) {
  std::vector<std::pair<std::string, std::string>> choices;
  for (const char* value : values) choices.emplace_back(value, value);
  flags.add_choice<std::string>(name, std::move(choices), help, to);
}

absl::Status check_lazy_lab(const RunSettings& settings, const FlagSet& flags) {
  if (!settings.guest.empty() && (flags.given("lazy-policy") || flags.given("lazy-schedule"))) {
    return absl::InvalidArgumentError(
        "--lazy-policy, --lazy-schedule: they are of the built-in guest, and another has none");
  }
  if (settings.lazy_schedule.empty()) return absl::OkStatus();
  if (!settings.workload.empty()) {
    return absl::InvalidArgumentError("--lazy-schedule: it runs in place of a --workload");
  }
  return settings.vcpus == 1 ? absl::OkStatus()
                             : absl::InvalidArgumentError("--lazy-schedule: runs on one vCPU");
}

absl::Status check_engine(const RunSettings& settings, const FlagSet& flags) {
  if (settings.engine == EngineKind::kKvm) {
    return flags.given("sim-tlb") ? absl::InvalidArgumentError("--sim-tlb: needs --engine=sim")
                                  : absl::OkStatus();
  }
  if (!settings.guest.empty()) {
    return absl::InvalidArgumentError("--engine=sim runs the built-in guest only");
  }
  return flags.given("kvm") ? absl::InvalidArgumentError("--kvm: --engine=sim needs no KVM")
                            : absl::OkStatus();
}

FlagSet::Setter address_setter(std::optional<uint64_t>& to) {
  return [&to](absl::string_view value) {
    const absl::StatusOr<uint64_t> address = parse_traced_address(value);
    if (address.ok()) to = *address;
    return address.status();
  };
}

FlagSet::Setter kvm_setter(KvmChoice& to) {
  return [&to](absl::string_view value) {
    if (value == "auto") {
      to = KvmChoice::kAuto;
    } else if (value == "host") {
      to = KvmChoice::kHost;
    } else if (value == "nested") {
      to = KvmChoice::kNested;
    } else if (value == "nested-shadow") {
      to = KvmChoice::kNestedShadow;
    } else if (value == "bed") {  // not for people: run_nested's inner program gets it
      to = KvmChoice::kBed;
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", value, "\" is none of auto, host, nested, nested-shadow"));
    }
    return absl::OkStatus();
  };
}

}  // namespace

absl::StatusOr<multicall::Limits> parse_batch(absl::string_view text) {
  const std::vector<std::string> parts = absl::StrSplit(text, ':');
  const std::optional<uint64_t> entries = parse_integer(parts[0]);
  if (parts.size() > 2 || !entries || *entries < 1 || *entries > multicall::kMaxEntries) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is not ENTRIES or ENTRIES:ARGBYTES with 1 to ",
                     multicall::kMaxEntries, " entries"));
  }
  multicall::Limits limits = multicall::limits_for_entries(static_cast<unsigned>(*entries));
  if (parts.size() == 1) return limits;
  const std::optional<uint64_t> bytes = parse_integer(parts[1]);
  if (!bytes || *bytes < multicall::kMinArgumentBytes || *bytes > multicall::kMaxArgumentBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" has argument bytes that are not from ",
                     multicall::kMinArgumentBytes, " to ", multicall::kMaxArgumentBytes));
  }
  limits.argument_bytes = static_cast<unsigned>(*bytes);
  return limits;
}

absl::StatusOr<pvmmu::ForcedCuts> parse_cuts(absl::string_view text) {
  if (text == "every") return pvmmu::ForcedCuts::every();
  if (absl::ConsumePrefix(&text, "random:")) {
    if (const auto seed = parse_integer(text)) return pvmmu::ForcedCuts::random(*seed);
    return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is not a number as seed"));
  }
  const std::optional<uint64_t> step = parse_integer(text);
  if (!step || *step < 1 || *step > kLastStep) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is not every, random:SEED or a step from 1 to ", kLastStep));
  }
  return pvmmu::ForcedCuts::at(static_cast<uint32_t>(*step));
}

absl::StatusOr<std::string> parse_check_rules(absl::string_view text) {
  bool report = false;
  uint32_t models = 0;
  const std::vector<absl::string_view> words = absl::StrSplit(text, ',', absl::SkipEmpty());
  for (const absl::string_view word : words) {
    uint32_t named = word == "all" ? guest_abi::kAllPteModels : 0;
    for (const guest_abi::PteModelName& model : guest_abi::kPteModelNames) {
      if (word == model.name) named = static_cast<uint32_t>(model.model);
    }
    if (named == 0 && word != "report") {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", word, "\" is none of x86, powerpc-hash, s390, all, report"));
    }
    models |= named;
    report |= word == "report";
  }
  if (models == 0) models = guest_abi::kAllPteModels;
  std::vector<absl::string_view> names;
  for (const guest_abi::PteModelName& model : guest_abi::kPteModelNames) {
    if ((models & static_cast<uint32_t>(model.model)) != 0) names.push_back(model.name);
  }
  if (report) names.push_back("report");
  return absl::StrJoin(names, ",");
}

absl::StatusOr<uint64_t> parse_traced_address(absl::string_view text) {
  constexpr uint64_t kUserHalf = uint64_t{1} << 47;
  const std::optional<uint64_t> address = parse_integer(text);
  if (!address || *address >= kUserHalf) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is not the address of a program's memory, as 0x10000000"));
  }
  return *address & pvmmu::kPageMask;
}

absl::StatusOr<double> parse_seconds(absl::string_view text) {
  double seconds = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, seconds);
  if (error != std::errc() || rest != end || !(seconds > 0) || seconds > kLongestTimeout) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is not a number of seconds above 0, as 10 or 0.5"));
  }
  return seconds;
}

absl::StatusOr<SimTlb> parse_sim_tlb(absl::string_view text) {
  if (text == "none") return SimTlb{SimTlb::Kind::kNone, 0};
  if (text == "full") return SimTlb{SimTlb::Kind::kFull, 0};
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(text, ':');
  const std::optional<uint64_t> seed = parse_integer(parts.second);
  if (parts.first == "random" && seed) return SimTlb{SimTlb::Kind::kRandom, *seed};
  if (parts.first == "speculative" && seed) return SimTlb{SimTlb::Kind::kSpeculative, *seed};
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text, "\" is none of none, full, random:SEED, speculative:SEED"));
}

void add_kvm_flag(FlagSet& flags, absl::string_view standard, RunSettings& settings) {
  flags.add("kvm", "auto|host|nested|nested-shadow",
            absl::StrCat("Where to run: this machine's /dev/kvm, or a stock kernel's\n"
                         "under emulation, with nested or with shadow paging. auto\n"
                         "takes the host's if the probe likes it (default ",
                         standard, ")."),
            kvm_setter(settings.kvm));
}

void add_machine_flags(FlagSet& flags, RunSettings& settings) {
  flags.add_choice<EngineKind>("engine", {{"kvm", EngineKind::kKvm}, {"sim", EngineKind::kSim}},
                               "kvm, or the built-in guest's sources in this process\n"
                               "without any KVM (default kvm).",
                               settings.engine);
  flags.add("sim-tlb", "none|full|random:SEED|speculative:SEED",
            "What a processor of the sim engine remembers of page tables:\n"
            "nothing; everything until it is flushed; by chance, with\n"
            "needless faults; or so, and setting Accessed on speculation\n"
            "(default full).",
            sim_tlb_setter(settings.sim_tlb));
  flags.add_integer("vcpus", "N", {1, kMaxVcpus},
                    "Processors, 1 to 4 for the built-in guest (default 1).", settings.vcpus);
  flags.add_integer("memory", "MIB", {16, 4096}, "Memory of the guest in MiB (default 64).",
                    settings.memory_mib);
  flags.add("batch", "ENTRIES[:ARGBYTES]",
            "Limits of the guest's multicall queue (default 32:512, and\n"
            "256:4096 in mode best). 1 turns batching and extension off.",
            batch_setter(settings.batch));
  flags.add_choice<bool>("split-ptl", {{"on", true}, {"off", false}},
                         "A lock per page-table page, which pins pages one by one\n"
                         "(default on).",
                         settings.split_ptl);
  flags.add_integer("seed", "N", {0, ~uint64_t{0}},
                    "Of the workload's random choices and the p2m's order\n"
                    "(default 1).",
                    settings.seed);
  flags.add_choice<bool>("p2m", {{"shuffled", false}, {"identity", true}},
                         "Which machine frames the guest's frames get. Shuffled (the\n"
                         "default) makes every mix-up of the two show.",
                         settings.identity_p2m);
  flags.add_choice<bool>("extensions", {{"on", true}, {"off", false}},
                         "Private additions to Xen's interface, which mode best uses and\n"
                         "no guest needs (default on).",
                         settings.extensions);
  flags.add_choice<bool>("notifier-protocol", {{kSequence, false}, {kRecall, true}},
                         "How the accelerator's driver keeps a fault apart from an\n"
                         "invalidation: a count of them, and a second look if it changed\n"
                         "(default); or a list of faults under way that are marked.",
                         settings.recall_protocol);
  add_kvm_flag(flags, "auto", settings);
  flags.add("timeout", "SECONDS", "Stop after this long, with status 124; 0.5 is possible.",
            seconds_setter(settings.timeout_seconds));
}

void add_run_flags(FlagSet& flags, RunSettings& settings) {
  flags.add_text("workload", "NAME|FILE.wl",
                 "What the guest does: a shipped workload or a file of yours\n"
                 "(default hello; `pvmmu workloads` lists them).",
                 settings.workload);
  flags.add_text("module", "FILE",
                 "The boot module of a guest of your own: for Linux, its\n"
                 "initial RAM disk.",
                 settings.module);
  std::vector<std::pair<std::string, std::string>> modes;
  for (const std::string& mode : mode_names()) modes.emplace_back(mode, mode);
  flags.add_choice<std::string>("mode", std::move(modes),
                                "How the guest kernel writes its page tables (default batched).",
                                settings.mode);
  add_machine_flags(flags, settings);
  flags.add_integer("tick", "HZ", {0, 1000},
                    "A timer that preempts, 0 for none (default 0). With one,\n"
                    "counts no longer repeat exactly.",
                    settings.tick_hz);
  flags.add_choice<AuditPolicy>("audit",
                                {{"call", AuditPolicy::kEveryCall},
                                 {"exit", AuditPolicy::kAtExit},
                                 {"off", AuditPolicy::kOff}},
                                "Recount all types and references from memory and compare: at\n"
                                "the end (exit, the default), or after every hypercall and\n"
                                "every emulated write (call), which is slow.",
                                settings.audit);
  flags.add("preempt-at", "STEP|every|random:SEED",
            "Interrupt the long work of each hypercall after that step,\n"
            "after every step, or at random. No count or result changes.",
            cuts_setter(settings.preempt_at));
  flags.add_optional("check-rules", "MODEL,...[,report]",
                     "The built-in guest checks how it touches page-table entries, by\n"
                     "the rules of x86, powerpc-hash, s390 or all (the default). A\n"
                     "breach stops it, or with `report` is counted (pte_rules in the\n"
                     "JSON). No other count changes. docs/pte-access-rules.md",
                     rules_setter(settings.check_rules));
  flags.add("trace-pte", "LINEAR",
            "Write on the console what happens to the page-table entry of\n"
            "this address (of a program's memory, the built-in guest's):\n"
            "every event, and who did it. docs/pte-access-rules.md",
            address_setter(settings.trace_pte));
  add_named_choice(flags, "lazy-policy", guest_abi::kLazyPolicyNames,
                   "The rules of lazy mode in the built-in guest, by the year in\n"
                   "which Linux had them (default 2007). docs/lazy-mode.md",
                   settings.lazy_policy);
  add_named_choice(flags, "lazy-schedule", std::span(guest_abi::kLazyScheduleNames).subspan(1),
                   "In place of a workload: disturb a lazy section so, and say\n"
                   "whether the policy holds (status 0) or breaks (1).",
                   settings.lazy_schedule);
  flags.add_switch("explain",
                   "Say why each refused request was refused, on standard error,\n"
                   "and put all frames and page tables into the JSON statistics,\n"
                   "for `pvmmu explain`.",
                   settings.explain);
  flags.add_choice<StatsForm>(
      "stats",
      {{"table", StatsForm::kTable}, {"json", StatsForm::kJson}, {"none", StatsForm::kNone}},
      "Form of the statistics (default table; json with --stats-file).", settings.stats);
  flags.add_text("stats-file", "PATH",
                 "Write them there, whole or not at all, instead of to\n"
                 "standard output.",
                 settings.stats_file);
  flags.add_text("trace", "FILE",
                 "Write what the guest and the hypervisor do there, event by\n"
                 "event, for Perfetto or chrome://tracing.",
                 settings.trace_file);
  flags.add_choice<ProgressKind>(
      "progress",
      {{"on", ProgressKind::kOn}, {"off", ProgressKind::kOff}, {"auto", ProgressKind::kAuto}},
      "Show on standard error how far a long run is. auto, the\n"
      "default, does where that is a terminal.",
      settings.progress);
  flags.add_text("cmdline", "TEXT", "Appended to the guest's command line.", settings.command_line);
  flags.add_choice<std::string>(
      "log", {{"debug", "debug"}, {"info", "info"}, {"warning", "warning"}, {"error", "error"}},
      "Least severity of the VMM's own log lines on standard error\n"
      "(default warning).",
      settings.log_level);
}

std::span<const std::string> mode_names() {
  static const std::string kModes[] = {"emulate", "single", "lazy", "batched", "best"};
  return kModes;
}

RunOptions machine_options(const RunSettings& settings) {
  RunOptions options;
  options.command_line = guest_command_line(settings);
  options.vcpus = static_cast<unsigned>(settings.vcpus);
  options.memory_mib = settings.memory_mib;
  options.seed = settings.seed;
  options.identity_p2m = settings.identity_p2m;
  options.extensions = settings.extensions;
  options.timeout_seconds = settings.timeout_seconds;
  options.audit = settings.audit;
  options.preempt_at = settings.preempt_at;
  return options;
}

absl::Status check_settings(const RunSettings& settings, const FlagSet& flags) {
  if (const absl::Status status = check_engine(settings, flags); !status.ok()) return status;
  if (!settings.module.empty() && settings.guest.empty()) {
    return absl::InvalidArgumentError(
        "--module: the built-in guest has none but its workload; name a guest");
  }
  if (!settings.module.empty() && !settings.workload.empty()) {
    return absl::InvalidArgumentError(
        "--module: a guest has one boot module, and --workload is one too");
  }
  if (settings.guest.empty() && settings.vcpus > kMaxVcpusOfBuiltIn) {
    return absl::InvalidArgumentError(absl::StrCat("--vcpus: the built-in guest runs on 1 to ",
                                                   kMaxVcpusOfBuiltIn, " processors, not ",
                                                   settings.vcpus));
  }
  if (!settings.trace_file.empty() && settings.trace_file == settings.stats_file) {
    return absl::InvalidArgumentError("--trace and --stats-file name the same file");
  }
  if (!settings.guest.empty() && !settings.check_rules.empty()) {
    return absl::InvalidArgumentError(
        "--check-rules: the checker is the built-in guest's, and another guest has none");
  }
  if (const absl::Status status = check_lazy_lab(settings, flags); !status.ok()) return status;
  if (!settings.guest.empty() && settings.trace_pte) {
    return absl::InvalidArgumentError(
        "--trace-pte: it is the built-in guest that tells, and another does not");
  }
  if (guest_command_line(settings).size() >= kMaxCommandLine) {
    return absl::InvalidArgumentError(
        absl::StrCat("--cmdline: the guest's command line would be longer than ",
                     kMaxCommandLine - 1, " bytes"));
  }
  return absl::OkStatus();
}

const char* notifier_protocol_name(const RunSettings& settings) {
  return settings.recall_protocol ? kRecall : kSequence;
}

multicall::Limits queue_limits(const RunSettings& settings) {
  return settings.batch.value_or(settings.mode == "best" ? multicall::kLargestLimits
                                                         : multicall::kClassicalLimits);
}

std::string guest_command_line(const RunSettings& settings) {
  const multicall::Limits batch = queue_limits(settings);
  std::string line =
      absl::StrCat("mode=", settings.mode, " split_ptl=", settings.split_ptl ? "on" : "off",
                   " batch=", batch.entries, ":", batch.argument_bytes, " seed=", settings.seed,
                   " tick=", settings.tick_hz, " vcpus=", settings.vcpus);
  const auto add = [&line](absl::string_view name, absl::string_view value) {
    if (!value.empty()) absl::StrAppend(&line, " ", name, value);
  };
  add("notifier=", settings.recall_protocol ? kRecall : "");
  add("check_rules=", settings.check_rules);
  add("trace_pte=", settings.trace_pte ? absl::StrCat(*settings.trace_pte) : "");
  add("lazy_policy=", settings.lazy_policy == "2007" ? "" : settings.lazy_policy);
  add("lazy_schedule=", settings.lazy_schedule);
  add("", settings.command_line);
  return line;
}

}  // namespace vmm
