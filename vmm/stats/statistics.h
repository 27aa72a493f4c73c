// The statistics of one run as a JSON document (schema "pvmmu-stats-1", docs/statistics.md).
//
// Everything is copied or read while the machine stands still. What the guest counted itself is
// printed as it stands and trusted for nothing else.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "guest_abi/accounting.h"
#include "nlohmann/json.hpp"
#include "stats/counters.h"
#include "stats/phase_attribution.h"

namespace vmm {

// The settings and the outcome that the counters belong to.
struct RunFacts {
  std::string guest;     // "built-in" or the file
  std::string workload;  // name or file; empty if the guest ran without one
  std::string mode;
  std::string engine = "kvm";
  std::string kvm;  // "host" or "nested"
  unsigned vcpus = 1;
  uint64_t memory_mib = 0;
  uint64_t seed = 0;
  unsigned tick_hz = 0;
  unsigned batch_entries = 0;
  unsigned batch_argument_bytes = 0;
  bool split_ptl = true;
  bool extensions = true;
  std::string notifier_protocol = "sequence";
  int exit_code = 0;
  double wall_seconds = 0;
  bool partial = false;                   // stopped by a time-out or ^C
  std::vector<std::string> phase_labels;  // of the workload; the first is phase kFirstLabelPhase
  nlohmann::ordered_json refusal_records = nlohmann::ordered_json::array();
  uint64_t refusal_records_dropped = 0;
  nlohmann::ordered_json pte_rules;      // null: nothing was checked
  nlohmann::ordered_json frames_at_end;  // null: none
  nlohmann::ordered_json accelerator;    // null: it was not started
};

struct VcpuStatistics {
  Counters counters{};
  const PhaseAttribution* attribution = nullptr;  // must not be null
  // What the guest's accounting pages held at the end; none if it never registered them.
  std::optional<guest_abi::AccountingPage> accounting;
  std::optional<guest_abi::AccountingOperations> operations;
};

nlohmann::ordered_json statistics_json(const RunFacts& facts,
                                       std::span<const VcpuStatistics> vcpus);

}  // namespace vmm
