// Random calls of several vCPUs, each cut in pieces, with calls of the others in between.
//
// There is no one order to compare with, so what is checked is what must hold in any order: the
// audit and the oracle at every cut and after every call, every promise to the platform, an end to
// each call, and that everything that is owed is paid when nobody is in a call any more.
//
// PVMMU_MODEL_STEPS and PVMMU_MODEL_SEED as for the model test.
#include <gtest/gtest.h>

#include <cstdio>
#include <random>
#include <set>

#include "generator.h"
#include "machine.h"
#include "runner.h"
#include "settings.h"
#include "step_text.h"

namespace pvmmu::model {
namespace {

class Interleaving {
 public:
  Interleaving(const Scenario& scenario, uint64_t seed)
      : scenario_(scenario),
        random_(seed),
        machine_(scenario, Batching::kWhole,
                 seed % 4 == 0 ? ForcedCuts::random(seed) : ForcedCuts::every()) {
    machine_.set_meanwhile([this] { let_others_in(); });
  }

  // What broke, if anything.
  std::optional<std::string> run() {
    while (next_ < scenario_.steps.size() && !broken_) {
      make_step();
      if (!broken_) broken_ = machine_.check_books();
    }
    return broken_;
  }
  uint64_t nested() const { return nested_; }
  size_t last_step() const { return next_; }

 private:
  void make_step() {
    const Step& step = scenario_.steps[next_++];
    busy_.insert(step.vcpu);
    if (has_array(step.kind)) place_array(step);
    if (step.kind == StepKind::kStore) {
      machine_.guest_store(step.vcpu, step.user, step.address, step.value);
    } else {
      machine_.apply(step);
    }
    busy_.erase(step.vcpu);
    if (!broken_) broken_ = machine_.check_meanwhile(step.vcpu);
  }

  void let_others_in() {
    while (!broken_ && next_ < scenario_.steps.size() && random_() % 2 == 0 &&
           !busy_.contains(scenario_.steps[next_].vcpu)) {
      ++nested_;
      make_step();
    }
  }

  void place_array(const Step& step) {
    const uint64_t words = element_size(step.kind) / 8;
    for (size_t i = 0; i < step.requests.size(); ++i) {
      const Request& request = step.requests[i];
      const uint64_t values[] = {request.first, request.second, request.third};
      for (uint64_t word = 0; word < words; ++word) {
        machine_.guest_store(step.vcpu, false, step.array + (i * words + word) * 8, values[word]);
      }
    }
  }

  const Scenario& scenario_;
  std::mt19937_64 random_;
  Machine machine_;
  std::set<unsigned> busy_;
  size_t next_ = 0;
  uint64_t nested_ = 0;
  std::optional<std::string> broken_;
};

// A life as the model test makes one, which gets deep when it is carried out in order; here it
// mostly does too. Arrays of different vCPUs are in different frames.
Scenario make_scenario(uint64_t seed) {
  std::mt19937_64 random(seed);
  Scenario scenario;
  scenario.vcpus = 2 + static_cast<unsigned>(random() % (kMostVcpus - 1));
  Comparison in_order(scenario, {});
  Generator generator(random, scenario, in_order.model());
  const uint64_t length = 100 + random() % 400;
  while (scenario.steps.size() < length) {
    Step step = generator.next();
    EXPECT_FALSE(in_order.apply(step));
    step.race = Race{};  // its place in time would be another
    scenario.steps.push_back(std::move(step));
  }
  return scenario;
}

TEST(InterleaveTest, CallsBetweenThePiecesOfOthers) {
  const uint64_t seed = setting("PVMMU_MODEL_SEED", 1);
  const uint64_t steps = setting("PVMMU_MODEL_STEPS", 200'000) / 5;
  uint64_t done = 0, nested = 0;
  for (uint64_t life = 0; done < steps; ++life) {
    const uint64_t life_seed = seed * 1'000'003 + life;
    const Scenario scenario = make_scenario(life_seed);
    Interleaving interleaving(scenario, life_seed);
    const auto broken = interleaving.run();
    ASSERT_FALSE(broken) << "seed " << seed << " life " << life << " after " << done
                         << " steps: interleaved: " << *broken << "\nbefore step "
                         << interleaving.last_step() << " of\n"
                         << text_of(scenario);
    done += scenario.steps.size();
    nested += interleaving.nested();
  }
  std::printf("seed %lu: %lu steps, %lu of them between two pieces of another vCPU's call\n", seed,
              done, nested);
  if (done >= 20'000) {
    EXPECT_GT(nested, done / 100);
  }
}

}  // namespace
}  // namespace pvmmu::model
