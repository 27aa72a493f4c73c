// Which outcomes and states a test has reached, so that a generator that stops reaching something
// shows.
#pragma once

#include <stdint.h>

#include <map>
#include <string>

#include "pvmmu/refusal.h"
#include "reference_model.h"
#include "step.h"

namespace pvmmu::model {

class Coverage {
 public:
  void note(const Step& step, const Outcome& outcome, const Refusal& refusal);
  void note(const std::string& what, uint64_t times) { reached_[what] += times; }
  // What the tables have become.
  void note_state(const ReferenceModel& model, unsigned vcpu_count);
  uint64_t times(const std::string& what) const;
  std::string table() const;

 private:
  std::map<std::string, uint64_t> reached_;
};

}  // namespace pvmmu::model
