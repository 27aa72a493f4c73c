#include "fuzz/run_point.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace vmm::fuzz {
namespace {

constexpr const char* kAuditFlag = "--audit=call";

// What decides how many hypercalls a run makes.
std::vector<std::string> random_way(Random& random) {
  const auto modes = mode_names();
  std::vector<std::string> flags = {absl::StrCat("--mode=", modes[random.below(modes.size())])};
  // Small queues are where the limits are met.
  constexpr uint64_t kMostEntries = 256, kSmall = 20;
  const uint64_t entries = 1 + random.below(random.one_in(2) ? kSmall : kMostEntries);
  if (!random.one_in(4)) flags.push_back(absl::StrCat("--batch=", entries));
  if (random.one_in(3)) flags.emplace_back("--split-ptl=off");
  if (random.one_in(3)) flags.emplace_back("--notifier-protocol=recall");
  return flags;
}

// What must not change a count.
std::vector<std::string> random_surroundings(const Bed& bed, Random& random) {
  std::vector<std::string> flags;
  if (bed.engine == EngineKind::kSim) {
    switch (random.below(4)) {
      case 0:
        flags.emplace_back("--sim-tlb=none");
        break;
      case 1:
        flags.push_back(absl::StrCat("--sim-tlb=random:", random.below(1000)));
        break;
      case 2:
        if (random.one_in(2)) {
          flags.push_back(absl::StrCat("--sim-tlb=speculative:", random.below(1000)));
        }
        break;
      default:
        break;
    }
  }
  switch (random.below(5)) {
    case 0:
      flags.emplace_back("--preempt-at=every");
      break;
    case 1:
      flags.push_back(absl::StrCat("--preempt-at=random:", random.below(1000)));
      break;
    case 2:
      flags.push_back(absl::StrCat("--preempt-at=", 1 + random.below(40)));
      break;
    default:
      break;
  }
  if (random.one_in(8)) flags.emplace_back("--p2m=identity");
  return flags;
}

std::vector<std::string> bed_flags(EngineKind engine, const Bed& bed) {
  std::vector<std::string> flags = {"--memory=16"};
  flags.emplace_back(engine == EngineKind::kSim ? "--engine=sim" : "--engine=kvm");
  if (bed.vcpus != 1) flags.push_back(absl::StrCat("--vcpus=", bed.vcpus));
  if (!bed.check_rules.empty()) flags.push_back(absl::StrCat("--check-rules=", bed.check_rules));
  return flags;
}

RunPoint made_of(std::initializer_list<std::vector<std::string>> parts) {
  std::vector<std::string> flags;
  for (const auto& part : parts) flags.insert(flags.end(), part.begin(), part.end());
  return *run_point(std::move(flags));
}

}  // namespace

std::string RunPoint::text() const {
  return absl::StrJoin(flags, " ");
}

absl::StatusOr<RunPoint> run_point(std::vector<std::string> flags) {
  RunPoint point;
  point.flags = std::move(flags);
  FlagSet set("pvmmu run");
  add_run_flags(set, point.settings);
  const auto others = set.parse(point.flags);
  if (!others.ok()) return others.status();
  if (!others->empty()) return absl::InvalidArgumentError("flags only");
  if (auto status = check_settings(point.settings, set); !status.ok()) return status;
  return point;
}

std::vector<RunPoint> random_points(const Bed& bed, unsigned count, Random& random) {
  std::vector<RunPoint> points;
  const auto way = random_way(random);
  const auto engine = bed_flags(bed.engine, bed);
  std::vector<std::string> audit;
  if (random.one_in(24)) audit.emplace_back(kAuditFlag);
  // On KVM the reference is the simulator.
  points.push_back(made_of({bed_flags(EngineKind::kSim, bed), way}));
  // With a single one to compare with, now one that counts the same and now another.
  if (count > 2 || (count == 2 && random.one_in(2))) {
    points.push_back(made_of({engine, way, random_surroundings(bed, random)}));
  }
  while (points.size() < count) {
    points.push_back(
        made_of({engine, random_way(random), random_surroundings(bed, random), audit}));
  }
  return points;
}

bool audited(const RunPoint& point) {
  return point.settings.audit == AuditPolicy::kEveryCall;
}

std::vector<RunPoint> without_audits(std::vector<RunPoint> points) {
  for (RunPoint& point : points) {
    if (std::erase(point.flags, kAuditFlag) != 0) point = *run_point(std::move(point.flags));
  }
  return points;
}

bool same_counters(const RunPoint& one, const RunPoint& other) {
  const RunSettings& a = one.settings;
  const RunSettings& b = other.settings;
  const auto speculative = [](const RunPoint& point) {
    return point.simulated() && point.settings.sim_tlb.kind == SimTlb::Kind::kSpeculative;
  };
  return a.vcpus == 1 && b.vcpus == 1 && a.mode == b.mode && queue_limits(a) == queue_limits(b) &&
         a.split_ptl == b.split_ptl && a.recall_protocol == b.recall_protocol &&
         !speculative(one) && !speculative(other);
}

}  // namespace vmm::fuzz
