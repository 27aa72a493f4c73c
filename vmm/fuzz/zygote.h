// A process with a simulated machine whose guest has booted and is about to start its workload.
// Each run goes on from there in a copy of that process, so that nobody waits for a guest to boot.
//
// The sim engine allows one guest in a process, which is no limit here: a copy is a process. All
// that a run changes is the copy's: the machine's memory is private to the process
// (MachineMemory::create_unpopulated).
#pragma once

#include <sys/types.h>

#include <memory>

#include "fuzz/run_area.h"
#include "fuzz/run_point.h"
#include "kvm/unique_fd.h"
#include "sim/schedule_policy.h"

namespace vmm::fuzz {

// A policy of schedules that begins where a copy does.
class ZygotePolicy : public SchedulePolicy {
 public:
  // In the copy.
  virtual void begin() = 0;

 protected:
  ~ZygotePolicy() = default;
};

class Zygote {
 public:
  // The largest program that a run of a zygote can have; a larger one needs run_in_child().
  static constexpr size_t kMostProgramBytes = size_t{48} << 10;

  // For a simulated point. A guest that does not boot is seen by the first run().
  static absl::StatusOr<std::unique_ptr<Zygote>> create(const RunPoint& point,
                                                        const GuestMachine& guest,
                                                        ZygotePolicy* policy = nullptr);
  ~Zygote();

  RunReport run(std::span<const std::byte> program, unsigned patience_seconds);

 private:
  Zygote(RunArea area, UniqueFd channel, pid_t process)
      : area_(std::move(area)), channel_(std::move(channel)), process_(process) {}
  RunReport report_of_end();

  RunArea area_;
  UniqueFd channel_;
  pid_t process_;  // 0: it has ended
};

}  // namespace vmm::fuzz
