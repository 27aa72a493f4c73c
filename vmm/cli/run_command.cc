#include <unistd.h>

#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/command.h"
#include "cli/guest_input.h"
#include "cli/interrupt_flag.h"
#include "cli/messages.h"
#include "cli/nested_run.h"
#include "cli/run_outcome.h"
#include "cli/run_settings.h"
#include "cli/standard_output.h"
#include "machine/run_machine.h"
#include "sim/run_simulated.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace vmm {
namespace {

constexpr const char* kName = "run";

void set_up_log(const std::string& level) {
  auto logger = spdlog::stderr_logger_mt("pvmmu");
  logger->set_pattern("pvmmu: %l: %v");
  logger->set_level(spdlog::level::from_str(level));
  spdlog::set_default_logger(std::move(logger));
}

RunOptions run_options(const RunSettings& settings, const GuestInput& input,
                       const KvmTraits& traits) {
  RunOptions options;
  options.guest_name = input.guest_name;
  options.command_line = guest_command_line(settings);
  options.phase_labels = input.labels;
  options.vcpus = static_cast<unsigned>(settings.vcpus);
  options.memory_mib = settings.memory_mib;
  options.seed = settings.seed;
  options.identity_p2m = settings.identity_p2m;
  options.timeout_seconds = settings.timeout_seconds;
  options.audit = settings.audit;
  options.preempt_at = settings.preempt_at;
  options.traits = traits;
  return options;
}

int run_here(const RunSettings& settings, const GuestInput& input, const KvmPlace& place) {
  // Before the guest runs, so that a place that cannot be written costs nothing.
  std::optional<OutputFile> file;
  if (!settings.stats_file.empty() && settings.stats != StatsForm::kNone) {
    absl::StatusOr<OutputFile> created = OutputFile::create(settings.stats_file);
    if (!created.ok()) return cannot_write(created.status());
    file.emplace(*std::move(created));
  }
  set_up_log(settings.log_level);
  install_interrupt_flag();

  StandardOutput output;
  RunOptions options = run_options(settings, input, place.traits);
  options.console = [&output](std::string_view text) { output.write(text); };
  if (settings.explain)
    options.explain = [](std::string_view text) { say({text.data(), text.size()}); };
  options.interrupted = [&output] { return interrupted() || !output.status().ok(); };
  absl::StatusOr<RunResult> result =
      settings.engine == EngineKind::kSim
          ? run_simulated(options, SimOptions{settings.sim_tlb, settings.seed}, input.guest(),
                          input.program)
          : run_machine(options, input.guest(), input.program);
  if (!result.ok()) return fail(result.status());

  const RunOutcome outcome = describe_outcome(*result, input.guest());
  say_lines(outcome.report);
  if (!outcome.has_statistics) return exit_code(outcome.status);
  const std::string text =
      format_statistics(run_statistics(settings, input, place, *result, outcome), settings.stats);
  if (file) {
    const absl::Status written = file->commit(text);
    if (!written.ok()) return cannot_write(written);
  } else {
    output.finish_line();
    output.write(text);
  }
  if (!output.status().ok()) return cannot_write(output.status());
  return exit_code(outcome.status);
}

}  // namespace

std::string run_help() {
  RunSettings settings;
  FlagSet flags("pvmmu run");
  add_run_flags(flags, settings);
  return absl::StrCat(
      "Runs a paravirtual guest and counts what its page tables cost.\n"
      "\n"
      "  pvmmu run [GUEST.elf] [flags]\n"
      "\n"
      "Say hello, and see the counts of an empty run:\n"
      "  pvmmu run\n"
      "A storm of mprotect, with the guest's updates batched, and one by one:\n"
      "  pvmmu run --workload=mprotect-storm --mode=batched\n"
      "  pvmmu run --workload=mprotect-storm --mode=single\n"
      "Counts for a program: one line of JSON behind the guest's console:\n"
      "  pvmmu run --workload=everything --stats=json | tail -n 1 | jq .page_table_traps\n"
      "Why something was refused, at once and later:\n"
      "  pvmmu run my-kernel.elf --explain --stats-file=report.json\n"
      "  pvmmu explain report.json --refusal=1\n"
      "A workload of yours on two processors, for ten seconds at most:\n"
      "  pvmmu run --workload=./mine.wl --vcpus=2 --timeout=10\n"
      "The same counts without any KVM, on a processor in software:\n"
      "  pvmmu run --workload=everything --engine=sim\n"
      "Another guest kernel, any ELF with Xen notes:\n"
      "  pvmmu run my-kernel.elf --memory=128 --cmdline='verbose=1'\n"
      "\n"
      "Flags\n",
      flags.help(),
      "\n"
      "The guest's console goes to standard output and the statistics after it; everything\n"
      "else goes to standard error. Exit status: 0 the guest finished well, 1 it reported\n"
      "failure or crashed, 2 bad usage or an unusable file, 3 this host cannot, 124 time-out,\n"
      "130 interrupted.\n");
}

int run_command(const Arguments& arguments) {
  RunSettings settings;
  FlagSet flags("pvmmu run");
  add_run_flags(flags, settings);
  const absl::StatusOr<Arguments> others = flags.parse(arguments);
  if (!others.ok()) return usage_error(kName, others.status().message());
  if (flags.help_requested()) return print_help(run_help());
  if (others->size() > 1) {
    return usage_error(kName, absl::StrCat("one guest at a time, not also ", (*others)[1]));
  }
  if (!others->empty()) settings.guest = others->front();
  if (!settings.stats_file.empty() && !flags.given("stats")) settings.stats = StatsForm::kJson;
  if (const absl::Status status = check_settings(settings, flags); !status.ok()) {
    return usage_error(kName, status.message());
  }
  const absl::StatusOr<GuestInput> input = read_guest_input(settings.guest, settings.workload);
  if (!input.ok()) return fail(input.status());
  const absl::StatusOr<KvmPlace> place =
      settings.engine == EngineKind::kSim ? no_kvm() : choose_kvm(settings.kvm);
  if (!place.ok()) return host_cannot(place.status());
  if (place->nested) return run_nested_run(arguments, settings, *place);
  return run_here(settings, *input, *place);
}

}  // namespace vmm
