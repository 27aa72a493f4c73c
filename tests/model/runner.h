// Runs a scenario on the MMU and on the reference model, and compares after every step.
#pragma once

#include <optional>
#include <string>

#include "coverage.h"
#include "machine.h"
#include "reference_model.h"
#include "step.h"

namespace pvmmu::model {

struct RunOptions {
  // A second MMU gets every array element by element, and must end in the same state.
  bool unbatched_twin = false;
  // A third MMU is preempted as this says, and must end in the same state with the same counts.
  ForcedCuts cuts = ForcedCuts::never();
};

// A choice for the n-th of many runs.
RunOptions options_of(uint64_t n);

struct Failure {
  size_t step = 0;  // index of the step after which it was seen
  std::string what;
};

class Comparison {
 public:
  Comparison(const Scenario& scenario, RunOptions options, Coverage* coverage = nullptr);

  // Carries out one step on all; what differs or is broken, if anything.
  std::optional<std::string> apply(const Step& step);
  const ReferenceModel& model() const { return model_; }
  Machine& machine() { return machine_; }
  // How often calls were cut.
  uint64_t cuts_made() const { return cut_twin_ ? cut_twin_->pieces() : 0; }
  // What the MMU answered to the last step, in words.
  std::string last_answer() const;
  int64_t last_result() const { return last_.result; }

 private:
  void place_array(const Step& step);
  void store(unsigned vcpu, bool user, uint64_t address, uint64_t value);
  std::optional<std::string> compare_counts(const Machine& other) const;
  std::optional<std::string> compare(Machine& machine, const Outcome& wanted, const Outcome& got,
                                     uint64_t changed_frames);

  ReferenceModel model_;
  Machine machine_;
  std::optional<Machine> twin_;
  std::optional<Machine> cut_twin_;
  const unsigned vcpu_count_;
  Coverage* coverage_;
  uint64_t steps_ = 0;
  Outcome last_;
};

// The whole scenario; the first failure.
std::optional<Failure> run(const Scenario& scenario, RunOptions options,
                           Coverage* coverage = nullptr);

}  // namespace pvmmu::model
