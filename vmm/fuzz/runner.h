// Runs programs with a fixed set of settings, each in the cheapest way there is.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "fuzz/zygote.h"

namespace vmm::fuzz {

class Runner {
 public:
  // Machines are prepared as they are first needed.
  static absl::StatusOr<std::unique_ptr<Runner>> create(std::vector<RunPoint> points,
                                                        const GuestMachine& guest);

  const std::vector<RunPoint>& points() const { return points_; }
  RunReport run(size_t point, std::span<const std::byte> program);
  std::vector<RunReport> run_all(std::span<const std::byte> program);

 private:
  Runner(std::vector<RunPoint> points, const GuestMachine& guest, RunArea area)
      : points_(std::move(points)),
        guest_(guest),
        area_(std::move(area)),
        zygotes_(points_.size()) {}

  std::vector<RunPoint> points_;
  const GuestMachine& guest_;
  RunArea area_;  // of runs that need a machine of their own
  std::vector<std::unique_ptr<Zygote>> zygotes_;
};

}  // namespace vmm::fuzz
