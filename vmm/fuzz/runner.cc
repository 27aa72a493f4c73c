#include "fuzz/runner.h"

#include <algorithm>
#include <utility>

#include "fuzz/run_once.h"

namespace vmm::fuzz {
namespace {

// Whether counters are compared with those of a machine that is no copy: then all are built alike,
// around the program itself, whose size decides how many frames there are.
bool all_simulated(const std::vector<RunPoint>& points) {
  return std::all_of(points.begin(), points.end(),
                     [](const RunPoint& point) { return point.simulated(); });
}

}  // namespace

absl::StatusOr<std::unique_ptr<Runner>> Runner::create(std::vector<RunPoint> points,
                                                       const GuestMachine& guest) {
  auto area = RunArea::create();
  if (!area.ok()) return area.status();
  return std::unique_ptr<Runner>(new Runner(std::move(points), guest, *std::move(area)));
}

RunReport Runner::run(size_t index, std::span<const std::byte> program) {
  const RunPoint& point = points_[index];
  const unsigned patience = point.simulated() ? kPatienceSimulated : kPatienceOfKvm;
  if (!all_simulated(points_) || program.size() > Zygote::kMostProgramBytes) {
    area_.put_program(program);
    return run_in_child(point, guest_, area_, patience);
  }
  std::unique_ptr<Zygote>& zygote = zygotes_[index];
  if (zygote == nullptr) {
    auto made = Zygote::create(point, guest_);
    if (!made.ok()) return RunReport::no_start(std::string(made.status().message()));
    zygote = *std::move(made);
  }
  return zygote->run(program, patience);
}

std::vector<RunReport> Runner::run_all(std::span<const std::byte> program) {
  std::vector<RunReport> reports;
  for (size_t i = 0; i < points_.size(); ++i) reports.push_back(run(i, program));
  return reports;
}

}  // namespace vmm::fuzz
