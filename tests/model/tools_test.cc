// The tools of the model tests: shrinking, and the text form of sequences.
#include <gtest/gtest.h>

#include <random>

#include "generator.h"
#include "runner.h"
#include "shrink.h"
#include "step_text.h"

namespace pvmmu::model {
namespace {

Scenario random_scenario(uint64_t seed, size_t length) {
  std::mt19937_64 random(seed);
  Scenario scenario;
  Comparison run(scenario, {});
  Generator generator(random, scenario, run.model());
  while (scenario.steps.size() < length) {
    scenario.steps.push_back(generator.next());
    EXPECT_FALSE(run.apply(scenario.steps.back()));
  }
  return scenario;
}

TEST(StepText, SurvivesAnySequence) {
  const Scenario scenario = random_scenario(7, 400);
  const std::string text = text_of(scenario);
  const auto parsed = scenario_from(text);
  ASSERT_TRUE(std::holds_alternative<Scenario>(parsed)) << std::get<std::string>(parsed);
  EXPECT_EQ(text_of(std::get<Scenario>(parsed)), text);
}

TEST(StepText, SaysWhichLineIsWrong) {
  for (const char* line : {"upgrade v0", "update v0 17/0=1", "update v9 17.0/0=1", "va v0 0xg 1",
                           "emulate v0 0x1 move.8 1", "ext v0 pin_l9(1)", "va v0 1 2 3 4",
                           "scenario vcpus=0", "update v0 17.0/0=1 colour=1"}) {
    const auto parsed = scenario_from(std::string("scenario vcpus=2\n\n") + line);
    ASSERT_TRUE(std::holds_alternative<std::string>(parsed)) << line;
    EXPECT_EQ(std::get<std::string>(parsed).substr(0, 7), "line 3:");
  }
}

TEST(StepText, CommentsAndDefaults) {
  const auto parsed = scenario_from("# nothing\nupdate v1 17.3/2=0x5 18.0/0=6 # two\n");
  ASSERT_TRUE(std::holds_alternative<Scenario>(parsed));
  const Scenario& scenario = std::get<Scenario>(parsed);
  ASSERT_EQ(scenario.steps.size(), 1u);
  const Step& step = scenario.steps[0];
  EXPECT_EQ(step.vcpu, 1u);
  EXPECT_EQ(step.count, 2u);
  EXPECT_EQ(step.requests[0], (Request{17 * kPageSize + 24 + 2, 5, 0}));
  EXPECT_EQ(step.done, address_of(kDoneFrame));
}

// What "fails" is: frame 17 gets pinned after a store of 5 in it. All else must go.
TEST(Shrink, LeavesOnlyWhatMatters) {
  Scenario scenario = random_scenario(3, 120);
  Step store;
  store.requests = {{18 * kPageSize, 7, 0}, {17 * kPageSize, 5, 0}, {19 * kPageSize, 7, 0}};
  store.count = 3;
  store.flags = 9;
  store.vcpu = 1;
  Step pin;
  pin.kind = StepKind::kExt;
  pin.requests = {{MMUEXT_PIN_L1_TABLE, 17, 0}};
  pin.count = 1;
  scenario.steps.insert(scenario.steps.begin() + 40, store);
  scenario.steps.insert(scenario.steps.begin() + 90, pin);
  const auto fails = [](const Scenario& candidate) {
    bool stored = false;
    for (const Step& step : candidate.steps) {
      for (const Request& request : step.requests) {
        if (step.kind == StepKind::kUpdate && request == Request{17 * kPageSize, 5, 0}) {
          stored = true;
        }
        if (stored && request == Request{MMUEXT_PIN_L1_TABLE, 17, 0}) return true;
      }
    }
    return false;
  };
  const Scenario small = shrink(scenario, fails);
  EXPECT_EQ(text_of(small),
            "scenario vcpus=2 limit=0x7fffffff\n"
            "update v0 17.0/0=0x5 done=0\n"
            "ext v0 pin_l1(0x11) done=0\n");
}

}  // namespace
}  // namespace pvmmu::model
