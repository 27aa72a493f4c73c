// Runs of a workload in the simulator, each with a schedule of its own: copies of a process that
// has booted a guest (fuzz/zygote.h).
#pragma once

#include <memory>
#include <vector>

#include "explore/known_states.h"
#include "explore/schedule.h"
#include "explore/tape.h"
#include "fuzz/run_point.h"
#include "fuzz/run_report.h"
#include "fuzz/zygote.h"

namespace vmm::explore {

class GuestRuns {
 public:
  // `program` is the workload's, compiled. `states` outlive it; null: states are not looked at.
  // If the guest has a trace, it is that of the first run, which closes it, unless its process
  // dies; it outlives this, and is none of the caller's to close.
  static absl::StatusOr<std::unique_ptr<GuestRuns>> create(const fuzz::RunPoint& point,
                                                           const fuzz::GuestMachine& guest,
                                                           std::vector<std::byte> program,
                                                           uint32_t most_points,
                                                           KnownStates* states);
  // One at a time.
  RunRecord run(const Plan& plan);

 private:
  // In the processes: what the tape says.
  class TapePolicy final : public fuzz::ZygotePolicy {
   public:
    TapePolicy(Tape& tape, KnownStates* states, Trace* trace)
        : tape_(tape), states_(states), trace_(trace) {}
    void begin() override;
    bool active() const override { return chooser_ != nullptr; }
    unsigned choose(const SchedulePoint& point, unsigned running, uint32_t able) override;
    void stuck() override;

   private:
    [[noreturn]] void end(Verdict verdict);
    bool is_known(unsigned chosen, const void* live);

    Tape& tape_;
    KnownStates* const states_;
    Trace* const trace_;
    Chooser* chooser_ = nullptr;  // on the tape: what it remembers is no state of the run
  };

  GuestRuns(const fuzz::RunPoint& point, Tape tape, std::vector<std::byte> program,
            KnownStates* states, Trace* trace)
      : point_(point),
        tape_(std::move(tape)),
        program_(std::move(program)),
        policy_(tape_, states, trace) {}

  const fuzz::RunPoint point_;
  Tape tape_;
  const std::vector<std::byte> program_;
  TapePolicy policy_;
  std::unique_ptr<fuzz::Zygote> zygote_;
};

}  // namespace vmm::explore
