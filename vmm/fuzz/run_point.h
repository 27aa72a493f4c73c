// Settings of a run that are varied: what the laws say has no influence on the result.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/run_settings.h"
#include "sim/random.h"

namespace vmm::fuzz {

// As `pvmmu run` takes them; so a run is made again by hand.
struct RunPoint {
  std::vector<std::string> flags;
  RunSettings settings;  // what the flags mean

  std::string text() const;  // the flags, separated by spaces
  bool simulated() const { return settings.engine == EngineKind::kSim; }
  // Whether the processors may set Accessed on pages that nobody uses.
  bool speculates() const {
    return !simulated() || settings.sim_tlb.kind == SimTlb::Kind::kSpeculative;
  }
};

// InvalidArgument: a flag that `pvmmu run` would refuse.
absl::StatusOr<RunPoint> run_point(std::vector<std::string> flags);

// What all runs of a session have in common.
struct Bed {
  EngineKind engine = EngineKind::kSim;
  uint64_t vcpus = 1;
  std::string check_rules;  // of the guest kernel, as --check-rules has them; empty: none
};

// A reference and runs to compare with it. Of several, the second has the same mode, queue and
// locks as the first (so on one vCPU their counts are the same too), the others have different
// ones.
std::vector<RunPoint> random_points(const Bed& bed, unsigned count, Random& random);

// Whether types and references are recounted after every call.
bool audited(const RunPoint& point);
// The same points, recounted at the end of a run only.
std::vector<RunPoint> without_audits(std::vector<RunPoint> points);

// Whether the counters of two runs must be the same.
bool same_counters(const RunPoint& one, const RunPoint& other);

}  // namespace vmm::fuzz
