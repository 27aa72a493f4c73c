#include "cli/run_outcome.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/code_names.h"
#include "domain/guest_image.h"
#include "explain/refusal_json.h"
#include "report/crash_report.h"
#include "report/rule_report.h"
#include "stats/statistics.h"

namespace vmm {
namespace {

RunOutcome crashed(const RunResult& result, std::span<const std::byte> guest) {
  RunOutcome outcome;
  outcome.status = ExitStatus::kGuestFailed;
  if (!result.crash) {
    outcome.report = "the guest crashed\n";
    return outcome;
  }
  const absl::StatusOr<GuestImage> image = parse_guest_image(guest, "guest");
  outcome.report = crash_report(*result.crash, image.ok() ? &*image : nullptr);
  return outcome;
}

RunOutcome shut_down(const RunResult& result) {
  if (result.guest_exit_code == 0) return {};
  return {.status = ExitStatus::kGuestFailed,
          .report = absl::StrCat("pvmmu: the guest reported failure: exit code ",
                                 result.guest_exit_code, "\n")};
}

std::string situations_text(std::span<const VcpuSituation> situations) {
  std::string text;
  for (size_t id = 0; id < situations.size(); ++id) {
    const VcpuSituation& vcpu = situations[id];
    absl::StrAppendFormat(&text, "  vCPU %u ", id);
    switch (vcpu.state) {
      case VcpuSituation::State::kRuns:
        absl::StrAppendFormat(&text, "runs, at rip 0x%x in %s mode\n", vcpu.rip,
                              vcpu.kernel_mode ? "kernel" : "user");
        break;
      case VcpuSituation::State::kDown:
        text += "is down\n";
        break;
      case VcpuSituation::State::kWaits:
        text += "waits for an event\n";
        break;
      case VcpuSituation::State::kOverdue:
        text += "waits although its event is there: this is a bug of pvmmu\n";
        break;
    }
  }
  return text;
}

RunOutcome by_end(const RunResult& result, std::span<const std::byte> guest) {
  switch (result.end) {
    case RunResult::End::kShutdown:
      return shut_down(result);
    case RunResult::End::kCrashed:
      return crashed(result, guest);
    case RunResult::End::kTimedOut:
      return {.status = ExitStatus::kTimedOut,
              .report = absl::StrFormat("pvmmu: time-out after %.1f s; the counts are partial\n%s",
                                        result.wall_seconds, situations_text(result.situations)),
              .partial = true};
    case RunResult::End::kInterrupted:
      return {.status = ExitStatus::kInterrupted,
              .report = "pvmmu: interrupted; the counts are partial\n",
              .partial = true};
    case RunResult::End::kDisagreed:
      return {.status = ExitStatus::kGuestFailed, .report = "", .partial = true};
    case RunResult::End::kFailed:
      break;
  }
  return {.status = ExitStatus::kHostCannot,
          .report = absl::StrCat("pvmmu: the machine failed: ", result.failure, "\n"),
          .has_statistics = false};
}

// For --explain: what was not printed as it happened.
std::string refusals_summary(const RefusalReport& refusals) {
  if (refusals.dropped == 0) return "";
  return absl::StrCat("pvmmu: ", refusals.dropped, " more refusals were not explained:\n",
                      refusals.summary);
}

// What the guest's rule checker wrote; null if it was not asked, or the guest never got so far.
const guest_abi::PteRuleReport* pte_rules(const RunSettings& settings, const RunResult& result) {
  if (settings.check_rules.empty() || result.vcpus.empty() || !result.vcpus[0].accounting) {
    return nullptr;
  }
  return &result.vcpus[0].accounting->rules;
}

nlohmann::ordered_json accelerator_json(const AcceleratorCounters& counters) {
  return {
#define VMM_PAIR(name) {#name, counters.name},
      VMM_ACCELERATOR_COUNTERS(VMM_PAIR)
#undef VMM_PAIR
  };
}

}  // namespace

RunOutcome describe_outcome(const RunResult& result, std::span<const std::byte> guest,
                            const RunSettings& settings) {
  RunOutcome outcome = by_end(result, guest);
  if (const auto* rules = pte_rules(settings, result)) {
    absl::StrAppend(&outcome.report, rule_report_text(*rules, code_names(settings.engine, guest)));
  }
  if (result.frames) absl::StrAppend(&outcome.report, refusals_summary(result.refusals));
  if (result.audit_differences.empty()) return outcome;
  absl::StrAppend(&outcome.report, result.audit_report);
  if (outcome.status == ExitStatus::kSuccess) outcome.status = ExitStatus::kGuestFailed;
  return outcome;
}

nlohmann::ordered_json run_statistics(const RunSettings& settings, const GuestInput& input,
                                      const KvmPlace& place, const RunResult& result,
                                      const RunOutcome& outcome) {
  RunFacts facts;
  facts.guest = input.guest_name;
  facts.workload = input.workload_name;
  facts.mode = settings.mode;
  facts.engine = settings.engine == EngineKind::kSim ? "sim" : "kvm";
  facts.kvm = place.name;
  facts.vcpus = static_cast<unsigned>(settings.vcpus);
  facts.memory_mib = settings.memory_mib;
  facts.seed = settings.seed;
  facts.tick_hz = static_cast<unsigned>(settings.tick_hz);
  facts.batch_entries = queue_limits(settings).entries;
  facts.batch_argument_bytes = queue_limits(settings).argument_bytes;
  facts.split_ptl = settings.split_ptl;
  facts.extensions = settings.extensions;
  facts.notifier_protocol = notifier_protocol_name(settings);
  facts.exit_code = exit_code(outcome.status);
  facts.wall_seconds = result.wall_seconds;
  facts.partial = outcome.partial;
  facts.phase_labels = input.labels;
  for (const KeptRefusal& refusal : result.refusals.records) {
    facts.refusal_records.push_back(refusal_json(refusal.record, refusal.alike));
  }
  facts.refusal_records_dropped = result.refusals.dropped;
  if (result.accelerator) facts.accelerator = accelerator_json(*result.accelerator);
  if (const auto* rules = pte_rules(settings, result)) {
    facts.pte_rules = rule_report_json(*rules, code_names(settings.engine, input.guest()));
  }
  if (result.frames) facts.frames_at_end = result.frames->json();

  std::vector<VcpuStatistics> vcpus;
  for (const VcpuResult& vcpu : result.vcpus) {
    vcpus.push_back({.counters = vcpu.counters,
                     .attribution = vcpu.attribution.get(),
                     .accounting = vcpu.accounting,
                     .operations = vcpu.operations});
  }
  return statistics_json(facts, vcpus);
}

}  // namespace vmm
