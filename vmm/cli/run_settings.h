// What `pvmmu run` was asked for, and the flags that say so.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "cli/flag_set.h"
#include "cli/kvm_choice.h"
#include "machine/run_options.h"
#include "multicall/limits.h"
#include "pvmmu/forced_cuts.h"
#include "sim/sim_options.h"
#include "stats/stats_output.h"

namespace vmm {

// What the guest runs on: a KVM, or this process.
enum class EngineKind { kKvm, kSim };

// Whether a run shows how far it is.
enum class ProgressKind { kOff, kOn, kAuto };

struct RunSettings {
  std::string guest;     // file; empty: the built-in guest
  std::string module;    // file; the boot module of a guest from a file; empty: none
  std::string workload;  // name or FILE.wl; empty: "hello" for the built-in guest, else none
  std::string mode = "batched";
  uint64_t vcpus = 1;
  uint64_t memory_mib = 64;
  uint64_t seed = 1;
  uint64_t tick_hz = 0;
  std::optional<multicall::Limits> batch;  // unset: as suits the mode
  bool split_ptl = true;
  bool identity_p2m = false;
  bool extensions = true;
  bool recall_protocol = false;  // else sequence
  AuditPolicy audit = AuditPolicy::kAtExit;
  pvmmu::ForcedCuts preempt_at = pvmmu::ForcedCuts::never();
  bool explain = false;
  std::optional<double> timeout_seconds;
  EngineKind engine = EngineKind::kKvm;
  SimTlb sim_tlb;
  KvmChoice kvm = KvmChoice::kAuto;
  StatsForm stats = StatsForm::kTable;
  std::string stats_file;
  std::string trace_file;
  ProgressKind progress = ProgressKind::kAuto;
  std::string check_rules;            // as the guest kernel's command line has it; empty: off
  std::optional<uint64_t> trace_pte;  // the address of a page; nothing is traced without it
  std::string lazy_policy = "2007";
  std::string lazy_schedule;  // of the guest kernel's laboratory; empty: a workload runs
  std::string command_line;   // the user's own, appended
  std::string log_level = "warning";
};

// The limits of the guest's queue: those asked for, or else the classical ones, and in mode best
// the largest.
multicall::Limits queue_limits(const RunSettings& settings);
// "sequence" or "recall".
const char* notifier_protocol_name(const RunSettings& settings);

// The flags that describe the machine and its guest; also those of `pvmmu bench`.
void add_machine_flags(FlagSet& flags, RunSettings& settings);
// `standard` is what settings.kvm holds without the flag, for the help.
void add_kvm_flag(FlagSet& flags, absl::string_view standard, RunSettings& settings);
// The rest of `pvmmu run`.
void add_run_flags(FlagSet& flags, RunSettings& settings);

// What the flags cannot check one by one. InvalidArgument with one line.
// `flags` are those that filled the settings.
absl::Status check_settings(const RunSettings& settings, const FlagSet& flags);

// What the machine is asked for, but for what depends on the guest, its workload and its KVM.
RunOptions machine_options(const RunSettings& settings);

// The ways in which the guest kernel writes its page tables.
std::span<const std::string> mode_names();

// start_info.cmd_line: "mode=batched split_ptl=on batch=32:512 seed=1 tick=0 vcpus=2 ..."
std::string guest_command_line(const RunSettings& settings);

// "32" or "32:512"; with entries alone the argument bytes keep their classical share.
absl::StatusOr<multicall::Limits> parse_batch(absl::string_view text);
// "every", "random:SEED" or the number of a step, from 1.
absl::StatusOr<pvmmu::ForcedCuts> parse_cuts(absl::string_view text);
// Seconds, also with a fraction, above 0.
absl::StatusOr<double> parse_seconds(absl::string_view text);
// What --check-rules says, in the words of the guest kernel's command line.
absl::StatusOr<std::string> parse_check_rules(absl::string_view text);
// The page's address of --trace-pte: a number in the user half, as a program may have it.
absl::StatusOr<uint64_t> parse_traced_address(absl::string_view text);
// none|full|random:SEED|speculative:SEED
absl::StatusOr<SimTlb> parse_sim_tlb(absl::string_view text);

}  // namespace vmm
