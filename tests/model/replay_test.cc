// Runs every sequence in tests/model/sequences, the place for sequences that once failed and for
// those that show what the fuzzer should start from.
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "runner.h"
#include "sequence_file.h"
#include "step_text.h"

namespace pvmmu::model {
namespace {

class ReplayTest : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(ReplayTest, TheMmuAndTheModelAgree) {
  const auto parsed = scenario_from(contents_of(GetParam()));
  ASSERT_TRUE(std::holds_alternative<Scenario>(parsed)) << std::get<std::string>(parsed);
  const Scenario& scenario = std::get<Scenario>(parsed);
  ASSERT_FALSE(scenario.steps.empty());
  for (uint64_t choice = 0; choice < 72; ++choice) {
    const auto failure = run(scenario, options_of(choice));
    EXPECT_FALSE(failure) << "step " << failure->step << ": "
                          << text_of(scenario.steps[failure->step]) << "\n"
                          << failure->what;
  }
}

// In these files a step is refused if and only if its comment says so.
TEST_P(ReplayTest, WhatIsRefusedIsSaidInTheFile) {
  const std::string text = contents_of(GetParam());
  const auto parsed = scenario_from(text);
  ASSERT_TRUE(std::holds_alternative<Scenario>(parsed));
  const Scenario& scenario = std::get<Scenario>(parsed);
  std::istringstream lines(text);
  Comparison running(scenario, {});
  size_t step = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#' || line.starts_with("scenario")) continue;
    ASSERT_FALSE(running.apply(scenario.steps.at(step++))) << line;
    const bool refused = line.find("refused", line.find('#')) != std::string::npos;
    EXPECT_EQ(running.last_result() < 0, refused) << line << "\n" << running.last_answer();
  }
  EXPECT_EQ(step, scenario.steps.size());
}

TEST_P(ReplayTest, TheTextIsWhatWasParsed) {
  const auto parsed = scenario_from(contents_of(GetParam()));
  ASSERT_TRUE(std::holds_alternative<Scenario>(parsed));
  const std::string text = text_of(std::get<Scenario>(parsed));
  const auto again = scenario_from(text);
  ASSERT_TRUE(std::holds_alternative<Scenario>(again)) << std::get<std::string>(again);
  EXPECT_EQ(text_of(std::get<Scenario>(again)), text);
}

std::string name_of(const ::testing::TestParamInfo<std::filesystem::path>& info) {
  std::string name = info.param.stem().string();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Sequences, ReplayTest, ::testing::ValuesIn(files_in(PVMMU_SEQUENCES_DIR)),
                         name_of);

}  // namespace
}  // namespace pvmmu::model
