// Runs every sequence in tests/model/sequences, the place for sequences that once failed and for
// those that show what the fuzzer should start from.
#include <gtest/gtest.h>

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
  for (const bool twin : {false, true}) {
    const auto failure = run(scenario, {.unbatched_twin = twin});
    EXPECT_FALSE(failure) << "step " << failure->step << ": "
                          << text_of(scenario.steps[failure->step]) << "\n"
                          << failure->what;
  }
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
