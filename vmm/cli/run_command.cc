#include <unistd.h>

#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/code_names.h"
#include "cli/command.h"
#include "cli/guest_input.h"
#include "cli/interrupt_flag.h"
#include "cli/messages.h"
#include "cli/nested_run.h"
#include "cli/run_display.h"
#include "cli/run_outcome.h"
#include "cli/run_settings.h"
#include "cli/trace_facts.h"
#include "machine/run_machine.h"
#include "report/pte_trace.h"
#include "sim/run_simulated.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"
#include "trace/trace.h"

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
  RunOptions options = machine_options(settings);
  options.guest_name = input.guest_name;
  options.phase_labels = input.labels;
  options.traits = traits;
  return options;
}

// Log lines of many requests would be torn by a line of progress.
bool shows_progress(const RunSettings& settings) {
  if (settings.progress != ProgressKind::kAuto) return settings.progress == ProgressKind::kOn;
  return isatty(STDERR_FILENO) != 0 && settings.log_level != "debug";
}

// What a run writes beside its output. Opened before the guest runs, so that a place that cannot be
// written costs nothing.
struct RunFiles {
  std::optional<OutputFile> statistics;
  std::optional<Trace> trace;
};

absl::Status open_files(const RunSettings& settings, const GuestInput& input, const KvmPlace& place,
                        RunFiles& files) {
  if (!settings.stats_file.empty() && settings.stats != StatsForm::kNone) {
    absl::StatusOr<OutputFile> created = OutputFile::create(settings.stats_file);
    if (!created.ok()) return created.status();
    files.statistics.emplace(*std::move(created));
  }
  if (!settings.trace_file.empty()) {
    absl::StatusOr<OutputFile> created = OutputFile::create(settings.trace_file);
    if (!created.ok()) return created.status();
    const nlohmann::ordered_json facts = trace_facts(settings, input, place);
    files.trace.emplace(*std::move(created), trace_name(settings, input, place), facts,
                        static_cast<unsigned>(settings.vcpus), input.labels);
  }
  return absl::OkStatus();
}

int run_here(const RunSettings& settings, const GuestInput& input, const KvmPlace& place) {
  RunFiles files;
  if (const absl::Status opened = open_files(settings, input, place, files); !opened.ok()) {
    return cannot_write(opened);
  }
  set_up_log(settings.log_level);
  install_interrupt_flag();

  RunDisplay display(input.labels);
  RunOptions options = run_options(settings, input, place.traits);
  options.console = [&display](std::string_view text) { display.show_console(text); };
  PteTrace pte_trace(settings.trace_pte ? code_names(settings.engine, input.guest()) : CodeNames());
  if (settings.trace_pte) {
    options.console = [&](std::string_view text) { display.show_console(pte_trace.shown(text)); };
  }
  if (settings.explain) {
    options.explain = [&display](std::string_view text) { display.show_explanation(text); };
  }
  if (shows_progress(settings)) {
    options.progress = [&display](const RunProgress& now) { display.show_progress(now); };
  }
  options.trace = files.trace ? &*files.trace : nullptr;
  options.interrupted = [&] {
    return interrupted() || display.failed() || (files.trace && files.trace->failed());
  };
  absl::StatusOr<RunResult> result =
      settings.engine == EngineKind::kSim
          ? run_simulated(options, SimOptions{settings.sim_tlb, settings.seed}, input.guest(),
                          input.module)
          : run_machine(options, input.guest(), input.module);
  display.finish();
  if (!result.ok()) return fail(result.status());

  const RunOutcome outcome = describe_outcome(*result, input.guest(), settings);
  say_lines(outcome.report);
  if (settings.trace_pte && pte_trace.line_count() == 0) {
    say_lines(absl::StrFormat("pvmmu: --trace-pte: no event was about an entry of %#x\n",
                              *settings.trace_pte));
  }
  if (files.trace) {
    const absl::Status closed = files.trace->close(exit_code(outcome.status), outcome.partial);
    if (!closed.ok()) return cannot_write(closed);
  }
  if (!outcome.has_statistics) return exit_code(outcome.status);
  const std::string text =
      format_statistics(run_statistics(settings, input, place, *result, outcome), settings.stats);
  if (files.statistics) {
    const absl::Status written = files.statistics->commit(text);
    if (!written.ok()) return cannot_write(written);
  } else {
    display.output().finish_line();
    display.output().write(text);
  }
  if (display.failed()) return cannot_write(display.output().status());
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
      "What happened when, to look at in Perfetto (https://ui.perfetto.dev):\n"
      "  pvmmu run --workload=fork-exit --engine=sim --trace=fork-exit.json\n"
      "A workload of yours on two processors, for ten seconds at most:\n"
      "  pvmmu run --workload=./mine.wl --vcpus=2 --timeout=10\n"
      "The same counts without any KVM, on a processor in software:\n"
      "  pvmmu run --workload=everything --engine=sim\n"
      "Another guest kernel, any ELF with Xen notes:\n"
      "  pvmmu run my-kernel.elf --memory=128 --cmdline='verbose=1'\n"
      "A distribution's Linux, as it is shipped, with an initial RAM disk:\n"
      "  pvmmu run /boot/vmlinuz --module=initrd.img --memory=512 --cmdline='console=hvc0'\n"
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
  absl::StatusOr<GuestInput> input =
      read_guest_input(settings.guest, settings.workload, settings.module);
  if (!input.ok()) return fail(input.status());
  if (!settings.lazy_schedule.empty()) {  // the guest has no use for the workload
    input->workload_name = absl::StrCat("lazy schedule ", settings.lazy_schedule);
  }
  const absl::StatusOr<KvmPlace> place =
      settings.engine == EngineKind::kSim ? no_kvm() : choose_kvm(settings.kvm);
  if (!place.ok()) return host_cannot(place.status());
  if (place->nested && settings.progress == ProgressKind::kOn) {
    return usage_error(kName, "--progress=on: a nested run cannot show any");
  }
  if (place->nested) return run_nested_run(arguments, settings, *place);
  return run_here(settings, *input, *place);
}

}  // namespace vmm
