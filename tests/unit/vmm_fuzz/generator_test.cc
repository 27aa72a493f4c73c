#include "fuzz/generator.h"

#include <array>

#include "fuzz/coverage.h"
#include "fuzz/shrink.h"
#include "scripts.h"
#include "workload/workload.h"

namespace vmm::fuzz {
namespace {

constexpr uint64_t kSeeds = 150;

TEST(GeneratorTest, TheSameSeedGivesTheSameText) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const std::string text = print_script(Generator(seed).make());
    EXPECT_EQ(text, print_script(Generator(seed).make()));
    EXPECT_NE(text, print_script(Generator(seed + 1).make()));
  }
}

TEST(GeneratorTest, WhatItMakesCompilesAndIsItsOwnText) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const std::string text = print_script(Generator(seed).make());
    const auto program = compile_workload(text, "test.wl");
    ASSERT_TRUE(program.ok()) << program.status().message() << "\n" << text;
    EXPECT_EQ(text, print_script(parsed(text)));
  }
}

TEST(GeneratorTest, TheOracleFindsNothingToCorrect) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const Script script = Generator(seed).make();
    Script again = script;
    Oracle oracle;
    ASSERT_TRUE(oracle.correct(again)) << print_script(script);
    EXPECT_EQ(print_script(script), print_script(again));
  }
}

TEST(GeneratorTest, EveryStatementFunctionMemoryAndErrorComes) {
  std::array<uint64_t, kMostCovered> counts{};
  for (uint64_t seed = 0; seed < kSeeds; ++seed) cover(Generator(seed).make(), counts);
  const auto& names = coverage_names();
  ASSERT_LE(names.size(), kMostCovered);
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string& group = names[i].group;
    if (group == "statements" || group == "functions" || group == "memory" || group == "errors") {
      EXPECT_GT(counts[i], 0u) << group << " " << names[i].name;
    }
  }
}

TEST(GeneratorTest, IsAsLongAsItIsAsked) {
  for (const unsigned operations : {10u, 100u, 400u}) {
    size_t total = 0;
    for (uint64_t seed = 0; seed < 20; ++seed) {
      total += statement_count(Generator(seed, {operations}).make());
    }
    EXPECT_GT(total / 20, operations * 4 / 5);
    EXPECT_LT(total / 20, operations * 2 + 40);
  }
}

}  // namespace
}  // namespace vmm::fuzz
