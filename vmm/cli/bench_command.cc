#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "cli/bench_table.h"
#include "cli/child_run.h"
#include "cli/command.h"
#include "cli/guest_input.h"
#include "cli/messages.h"
#include "cli/nested_run.h"
#include "cli/progress_line.h"
#include "cli/run_settings.h"
#include "workload/workload.h"

namespace vmm {
namespace {

constexpr const char* kName = "bench";
const Arguments kModes(mode_names().begin(), mode_names().end());
// Flags of bench's own, which the runs do not get.
const Arguments kOwnFlags = {"json", "mode", "kvm"};

struct BenchSettings {
  RunSettings machine;
  Arguments modes = kModes;
  bool json = false;
};

void add_flags(FlagSet& flags, BenchSettings& settings) {
  flags.add("mode", "MODE,...", "Which modes (default emulate,single,lazy,batched,best).",
            [&settings](absl::string_view value) {
              settings.modes = absl::StrSplit(value, ',');
              for (const std::string& mode : settings.modes) {
                if (std::find(kModes.begin(), kModes.end(), mode) != kModes.end()) continue;
                return absl::InvalidArgumentError(
                    absl::StrCat("\"", mode, "\" is none of ", absl::StrJoin(kModes, ", ")));
              }
              return absl::OkStatus();
            });
  flags.add_switch("json", "One line of JSON instead of the table.", settings.json);
  add_machine_flags(flags, settings.machine);
}

absl::StatusOr<BenchRow> run_once(const std::string& workload, const std::string& mode,
                                  const Arguments& machine_flags) {
  Arguments arguments = {"run", absl::StrCat("--workload=", workload),
                         absl::StrCat("--mode=", mode), "--stats=json", "--progress=off"};
  arguments.insert(arguments.end(), machine_flags.begin(), machine_flags.end());
  const absl::StatusOr<ChildResult> child = run_child(arguments);
  if (!child.ok()) return child.status();
  absl::StatusOr<BenchRow> row = bench_row(child->output);
  if (row.ok() && row->status == child->status) return row;
  BenchRow failed;
  failed.workload = workload;
  failed.mode = mode;
  failed.status = child->status;
  return failed;
}

bool ends_everything(int status) {
  return status == exit_code(ExitStatus::kUsage) || status == exit_code(ExitStatus::kHostCannot) ||
         status == exit_code(ExitStatus::kInterrupted);
}

int run_all(const Arguments& workloads, const BenchSettings& settings, const FlagSet& flags,
            const KvmPlace& place) {
  Arguments machine_flags = flags.given_arguments(kOwnFlags);
  if (settings.machine.engine == EngineKind::kKvm) {
    machine_flags.push_back(settings.machine.kvm == KvmChoice::kBed ? "--kvm=bed" : "--kvm=host");
  }
  std::vector<BenchRow> rows;
  int status = exit_code(ExitStatus::kSuccess);
  {
    ProgressLine progress;
    const size_t total = workloads.size() * settings.modes.size();
    for (const std::string& workload : workloads) {
      for (const std::string& mode : settings.modes) {
        progress.show(absl::StrCat("[", rows.size() + 1, "/", total, "] ", workload, " ", mode));
        const absl::StatusOr<BenchRow> row = run_once(workload, mode, machine_flags);
        if (!row.ok()) return host_cannot(row.status());
        if (ends_everything(row->status)) return row->status;
        if (status == exit_code(ExitStatus::kSuccess)) status = row->status;
        rows.push_back(*row);
      }
    }
  }
  const int printed = print_help(settings.json ? bench_json(rows, place.name) : bench_table(rows));
  return printed == exit_code(ExitStatus::kSuccess) ? status : printed;
}

Arguments all_workloads() {
  Arguments names;
  for (const BuiltinWorkload& workload : builtin_workloads()) names.emplace_back(workload.name);
  return names;
}

// All are read before the first one runs.
absl::Status check_workloads(const Arguments& workloads) {
  for (const std::string& workload : workloads) {
    const absl::StatusOr<GuestInput> input = read_guest_input("", workload);
    if (!input.ok()) return input.status();
  }
  return absl::OkStatus();
}

}  // namespace

std::string bench_help() {
  BenchSettings settings;
  FlagSet flags("pvmmu bench");
  add_flags(flags, settings);
  return absl::StrCat(
      "Runs workloads in all modes, each run in a fresh machine, and compares them in one table:\n"
      "traps spent on page tables (emulated writes, mmu_update, mmuext_op, update_va_mapping and\n"
      "multicall calls), all hypercalls, operations on page tables, seconds.\n"
      "\n"
      "  pvmmu bench [WORKLOAD|FILE.wl]... [flags]\n"
      "\n"
      "Every shipped workload in every mode:\n"
      "  pvmmu bench\n"
      "What batching brings to one of yours:\n"
      "  pvmmu bench mine.wl --mode=single,batched\n"
      "Larger batches, for a script:\n"
      "  pvmmu bench mprotect-storm --batch=128 --json | jq '.runs[].page_table_traps'\n"
      "\n"
      "Flags\n",
      flags.help(),
      "\n"
      "Exit status: 0 if all runs ended well, else that of the first that did not.\n");
}

int bench_command(const Arguments& arguments) {
  BenchSettings settings;
  FlagSet flags("pvmmu bench");
  add_flags(flags, settings);
  const absl::StatusOr<Arguments> others = flags.parse(arguments);
  if (!others.ok()) return usage_error(kName, others.status().message());
  if (flags.help_requested()) return print_help(bench_help());
  if (const absl::Status status = check_settings(settings.machine, flags); !status.ok()) {
    return usage_error(kName, status.message());
  }
  const Arguments workloads = others->empty() ? all_workloads() : *others;
  if (const absl::Status status = check_workloads(workloads); !status.ok()) return fail(status);
  const absl::StatusOr<KvmPlace> place =
      settings.machine.engine == EngineKind::kSim ? no_kvm() : choose_kvm(settings.machine.kvm);
  if (!place.ok()) return host_cannot(place.status());
  if (!place->nested) return run_all(workloads, settings, flags, *place);
  Arguments files;
  std::copy_if(others->begin(), others->end(), std::back_inserter(files), names_workload_file);
  return run_nested_command(kName, arguments, *place, settings.machine.memory_mib, files);
}

}  // namespace vmm
