// The fuzzer's seed corpus as an ordinary test, in every build.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "runner.h"
#include "sequence_file.h"
#include "step_bytes.h"
#include "step_text.h"

namespace pvmmu::model {
namespace {

std::vector<uint8_t> bytes_of(const std::filesystem::path& file) {
  const std::string contents = contents_of(file);
  return {contents.begin(), contents.end()};
}

void expect_agreement(const Scenario& scenario) {
  for (uint64_t choice = 0; choice < 12; ++choice) {
    const auto failure = run(scenario, options_of(choice));
    ASSERT_FALSE(failure) << text_of(scenario) << "# step " << failure->step << ": "
                          << failure->what;
  }
}

class FuzzReplay : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(FuzzReplay, TheMmuAndTheModelAgree) {
  expect_agreement(decode(bytes_of(GetParam())));
}

// A seed that has a sequence of its name is made from it (docs/fuzzing.md says how).
TEST_P(FuzzReplay, TheSeedIsItsSequence) {
  const std::filesystem::path sequence =
      std::filesystem::path(PVMMU_SEQUENCES_DIR) / (GetParam().filename().string() + ".txt");
  const auto parsed = scenario_from(contents_of(sequence));
  ASSERT_TRUE(std::holds_alternative<Scenario>(parsed)) << std::get<std::string>(parsed);
  EXPECT_EQ(text_of(decode(bytes_of(GetParam()))), text_of(std::get<Scenario>(parsed)));
  EXPECT_EQ(bytes_of(GetParam()), encode(std::get<Scenario>(parsed)));
}

std::string name_of(const ::testing::TestParamInfo<std::filesystem::path>& info) {
  std::string name = info.param.stem().string();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Corpus, FuzzReplay, ::testing::ValuesIn(files_in(PVMMU_CORPUS_DIR)),
                         name_of);

TEST(FuzzInputs, EverySequenceHasItsSeed) {
  for (const auto& sequence : files_in(PVMMU_SEQUENCES_DIR)) {
    EXPECT_TRUE(std::filesystem::exists(std::filesystem::path(PVMMU_CORPUS_DIR) / sequence.stem()))
        << sequence;
  }
}

// Any bytes are a scenario; seeds with some bytes changed reach further than noise does.
TEST(FuzzInputs, AnyBytesRun) {
  std::mt19937_64 random(1);
  const auto seeds = files_in(PVMMU_CORPUS_DIR);
  for (unsigned i = 0; i < 300; ++i) {
    std::vector<uint8_t> bytes = bytes_of(seeds[i % seeds.size()]);
    for (unsigned change = 0; change < 4; ++change) {
      bytes[random() % bytes.size()] = static_cast<uint8_t>(random());
    }
    expect_agreement(decode(bytes));
  }
}

}  // namespace
}  // namespace pvmmu::model
