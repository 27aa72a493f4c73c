// Which outcomes a test has reached, so that a generator that stops reaching something shows.
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
  void add(const Coverage& other);
  // A fact about the state, not about one step: "pinned L4", "same-level entry", ...
  void note_state(const std::string& what) { ++reached_[what]; }
  uint64_t times(const std::string& what) const;
  std::string table() const;

 private:
  std::map<std::string, uint64_t> reached_;
};

}  // namespace pvmmu::model
