// Makes the next step of a random sequence, looking at the model to reach deep states: trees of all
// four levels that get pinned, shared, loaded and torn down; frames that change from one use to
// another; and requests that are wrong in exactly one thing.
#pragma once

#include <stdint.h>

#include <array>
#include <random>
#include <vector>

#include "reference_model.h"
#include "step.h"

namespace pvmmu::model {

class Generator {
 public:
  Generator(std::mt19937_64& random, const Scenario& scenario, const ReferenceModel& model);

  Step next();

 private:
  uint64_t below(uint64_t limit) { return random_() % limit; }
  bool chance(unsigned percent) { return below(100) < percent; }
  template <typename T>
  const T& any_of(const std::vector<T>& choices) {
    return choices[below(choices.size())];
  }

  // --- What there is ---------------------------------------------------------------------------
  std::vector<uint64_t> frames_of(PageType type) const;
  std::vector<uint64_t> free_frames() const;  // type none or writable, for play
  uint64_t any_frame();
  uint64_t table_or_any(unsigned level);
  unsigned slot_for(unsigned level, uint64_t table);
  unsigned intended_level(uint64_t frame);
  uint64_t plain_flags(unsigned level);

  // --- Entries ---------------------------------------------------------------------------------
  uint64_t entry_for(unsigned level, uint64_t table, unsigned slot);
  uint64_t leaf_entry();
  uint64_t upper_entry(unsigned level, uint64_t table);
  uint64_t spoiled(uint64_t entry);

  // --- Steps -----------------------------------------------------------------------------------
  Step build();
  Step pin();
  Step unpin();
  Step update();
  Request update_request();
  Step map();
  Step emulate();
  Step base_pointer();
  Step flush();
  Step clear_or_copy();
  Step references();
  Step descriptors();
  Step processor_store();
  Step copy();
  Step vcpu_step();
  Step odd_operation();
  Step self_modifying();
  Step ext(std::vector<Request> requests);
  Step step_of(StepKind kind);
  uint64_t bitmap();
  uint64_t any_address();
  void make_odd(Step& step);
  void add_race(Step& step, uint64_t frame, unsigned slot);

  std::mt19937_64& random_;
  const Scenario& scenario_;
  const ReferenceModel& model_;
  std::array<unsigned, kFrames> intended_{};  // level that a free frame is being filled for
};

}  // namespace pvmmu::model
