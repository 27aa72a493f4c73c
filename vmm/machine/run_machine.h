// Builds a machine for one guest, runs it to its end, and says how it ended.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "accelerator/accelerator.h"
#include "explain/refusal_log.h"
#include "explain/saved_frames.h"
#include "guest_abi/accounting.h"
#include "machine/run_options.h"
#include "machine/vcpu_situation.h"
#include "report/crash_report.h"
#include "stats/counters.h"
#include "stats/phase_attribution.h"

namespace vmm {

class Engine;

struct VcpuResult {
  Counters counters{};
  std::unique_ptr<PhaseAttribution> attribution;
  std::optional<guest_abi::AccountingPage> accounting;
  std::optional<guest_abi::AccountingOperations> operations;
};

struct RunResult {
  enum class End {
    kShutdown,     // the guest powered off; guest_exit_code says how well it thinks it did
    kCrashed,      // the guest crashed or reported a crash: `crash`
    kTimedOut,     // the statistics are partial
    kInterrupted,  // the statistics are partial
    kDisagreed,    // a recount after a call found a difference: `audit_report`. The statistics are
                   // partial
    kFailed,       // KVM or the VMM itself failed: `failure`
  };
  End end = End::kFailed;
  uint32_t guest_exit_code = 0;
  std::optional<CrashInfo> crash;
  std::string failure;
  std::vector<VcpuResult> vcpus;
  std::vector<VcpuSituation> situations;  // when the run ended or was stopped
  double wall_seconds = 0;
  bool audited = false;
  RefusalReport refusals;
  std::optional<AcceleratorCounters> accelerator;  // if the guest started it
  std::optional<SavedFrames> frames;               // at the end, if RunOptions::explain is set
  std::vector<std::string> audit_differences;      // empty: all types and counts agree
  std::string audit_report;                        // ... else, several lines for people
};

// An error status: the guest or the host is unusable (InvalidArgument: the guest; others: the
// host); nothing ran. boot_module may be empty.
absl::StatusOr<RunResult> run_machine(const RunOptions& options,
                                      std::span<const std::byte> guest_elf,
                                      std::span<const std::byte> boot_module);
// The same on another engine than KVM.
absl::StatusOr<RunResult> run_machine(const RunOptions& options, std::unique_ptr<Engine> engine,
                                      std::span<const std::byte> guest_elf,
                                      std::span<const std::byte> boot_module);

}  // namespace vmm
