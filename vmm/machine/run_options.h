// What one run of the machine is asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "machine/kvm_traits.h"
#include "pvmmu/forced_cuts.h"

namespace vmm {

struct RunResult;
class Trace;

enum class AuditPolicy {
  kOff,
  kAtExit,
  kEveryCall,  // after every hypercall, every entry of a multicall and every emulated write too
};

// How far a run is.
struct RunProgress {
  double seconds = 0;
  uint32_t phase = 0;  // of vCPU 0
  uint64_t hypercalls = 0;
};

struct RunOptions {
  std::string guest_name = "built-in";  // as messages call it
  std::string command_line;             // start_info.cmd_line
  std::vector<std::string> phase_labels;
  unsigned vcpus = 1;
  uint64_t memory_mib = 64;
  uint64_t seed = 1;  // of the p2m's shuffle
  bool identity_p2m = false;
  bool extensions = true;  // private ones, beyond Xen's interface
  std::optional<double> timeout_seconds;
  AuditPolicy audit = AuditPolicy::kAtExit;
  pvmmu::ForcedCuts preempt_at = pvmmu::ForcedCuts::never();  // of hypercalls
  KvmTraits traits;                                           // as the probe found them
  // Takes the guest's console output; called from vCPU threads, one at a time.
  std::function<void(std::string_view)> console;
  // Takes the explanation of each refused request that is kept, one line each, as it happens. If it
  // is set, more of them are kept, and the result has all frames and tables.
  std::function<void(std::string_view)> explain;
  Trace* trace = nullptr;  // null: none
  // Told a few times a second, by one thread at a time, if it is set.
  std::function<void(const RunProgress&)> progress;
  // Called with the result before the machine is taken down, which a process that does nothing else
  // may save itself.
  std::function<void(const RunResult&)> ended;
  // Asked about ten times a second and after every signal: true ends the run as interrupted.
  std::function<bool()> interrupted;
};

}  // namespace vmm
