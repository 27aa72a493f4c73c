// Each seeded breach is named rightly by the model of each architecture, and nothing is named where
// nothing is wrong. `unit_guest_rules --table` prints what was named.
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "rules_scenario.h"

namespace kernel::test {
namespace {

using guest_abi::kPteRules;
using guest_abi::PteModel;
using pte_rules::Seeded;

struct Breach {
  Seeded breach;
  const char* name;
  unsigned rules[3];  // as kPteModelNames
  const char* text;
};
constexpr Breach kBreaches[] = {
#define PTE_RULES_ROW(name, x86, powerpc, s390, text) \
  {Seeded::name, #name, {x86, powerpc, s390}, text},
    PTE_RULES_SEEDED(PTE_RULES_ROW)
#undef PTE_RULES_ROW
};

ScenarioSettings checked(uint32_t models) {
  ScenarioSettings settings;
  settings.options.mode = Mode::kBatched;
  settings.options.rules = {models, true};
  return settings;
}

// The first rule that the model finds broken; 0: none.
unsigned first_rule(Seeded breach, PteModel model) {
  ScenarioSettings settings = checked(static_cast<uint32_t>(model));
  settings.breach = breach;
  return static_cast<unsigned>(run_scenario(settings).rules.rule);
}

std::string rule_name(unsigned rule) {
  return rule == 0 ? "-" : "R" + std::to_string(rule);
}

std::string table_row(const Breach& breach, const unsigned (&rules)[3]) {
  return std::string("| `") + breach.name + "` | " + breach.text + " | " + rule_name(rules[0]) +
         " | " + rule_name(rules[1]) + " | " + rule_name(rules[2]) + " |";
}

// False if one was named wrongly.
bool print_table() {
  bool right = true;
  std::printf("| breach | what is wrong | x86 | powerpc-hash | s390 |\n|---|---|---|---|---|\n");
  for (const Breach& breach : kBreaches) {
    unsigned rules[3];
    for (unsigned i = 0; i < 3; ++i) {
      rules[i] = first_rule(breach.breach, guest_abi::kPteModelNames[i].model);
      right = right && rules[i] == breach.rules[i];
    }
    std::printf("%s\n", table_row(breach, rules).c_str());
  }
  return right;
}

std::vector<std::string> document_lines() {
  std::ifstream file(PVMMU_RULES_DOCUMENT);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back(line);
  }
  return lines;
}

std::string model_list(uint32_t models) {
  if (models == guest_abi::kAllPteModels) {
    return "all";
  }
  for (const guest_abi::PteModelName& model : guest_abi::kPteModelNames) {
    if (static_cast<uint32_t>(model.model) == models) {
      return model.name;
    }
  }
  return "?";
}

class SeededBreach : public testing::TestWithParam<Breach> {};

TEST_P(SeededBreach, IsNamedOnEachArchitecture) {
  for (unsigned i = 0; i < 3; ++i) {
    const guest_abi::PteModelName& model = guest_abi::kPteModelNames[i];
    EXPECT_EQ(first_rule(GetParam().breach, model.model), GetParam().rules[i]) << model.name;
  }
}

INSTANTIATE_TEST_SUITE_P(All, SeededBreach, testing::ValuesIn(kBreaches),
                         [](const auto& each) { return each.param.name; });

TEST(PteRules, EveryRuleIsBrokenByABreach) {
  std::set<unsigned> broken;
  for (const Breach& breach : kBreaches) {
    broken.insert(std::begin(breach.rules), std::end(breach.rules));
  }
  for (unsigned rule = 1; rule < guest_abi::kPteRuleCount; ++rule) {
    EXPECT_TRUE(broken.contains(rule)) << "R" << rule;
  }
}

TEST(PteRules, TheCleanKernelBreaksNoneInAnyMode) {
  for (const Mode mode :
       {Mode::kEmulate, Mode::kSingle, Mode::kLazy, Mode::kBatched, Mode::kBest}) {
    for (const bool split_ptl : {true, false}) {
      ScenarioSettings settings = checked(guest_abi::kAllPteModels);
      settings.options.mode = mode;
      settings.options.split_ptl = split_ptl;
      const ScenarioResult result = run_scenario(settings);
      EXPECT_TRUE(result.came_back) << result.text;
      EXPECT_EQ(static_cast<unsigned>(result.rules.rule), 0u) << mode_name(mode) << result.text;
      EXPECT_GT(result.rules.events, 1000u);
      EXPECT_EQ(result.rules.events_not_judged, 0u);
    }
  }
}

TEST(PteRules, AFullTableIsToldAndAccusesNobody) {
  ScenarioSettings settings = checked(guest_abi::kAllPteModels);
  settings.storage_bytes = (pte_rules::kHashPages + 1) * 4096;
  const ScenarioResult result = run_scenario(settings);
  EXPECT_TRUE(result.came_back) << result.text;
  EXPECT_LT(result.rules.entries_followed, 24u);
  EXPECT_GT(result.rules.events_not_judged, 0u);
  EXPECT_EQ(static_cast<unsigned>(result.rules.rule), 0u) << result.text;
}

TEST(PteRules, ABreachStopsTheKernelAndSaysWhy) {
  ScenarioSettings settings = checked(guest_abi::kAllPteModels);
  settings.options.rules.report = false;
  settings.breach = Seeded::protect_by_clear_and_set;
  const ScenarioResult result = run_scenario(settings);
  EXPECT_FALSE(result.came_back);
  for (const char* piece :
       {"pte rule R14 (powerpc-hash) is broken: no valid entry over one",
        "entry of address 3fff4000", "  first: zap, 8", "  then: establish, 0 -> 8", "called from ",
        "pte rule R14 is broken"}) {
    EXPECT_NE(result.text.find(piece), std::string::npos) << piece << " is not in\n" << result.text;
  }
  EXPECT_NE(result.rules.first.backtrace[0], 0u);
  EXPECT_NE(result.rules.second.backtrace[0], 0u);
}

TEST(PteRules, CountsInsteadWhereItOnlyReports) {
  ScenarioSettings settings = checked(guest_abi::kAllPteModels);
  settings.breach = Seeded::protect_by_clear_and_set;
  const ScenarioResult result = run_scenario(settings);
  EXPECT_GT(result.rules.breaches[14], 24u);
  EXPECT_EQ(result.rules.breaches[14], result.rules.breaches[19]);
  EXPECT_EQ(result.rules.breaches[9], 0u);
}

TEST(PteRules, TheDocumentHasTheSameRules) {
  std::vector<std::string> documented;
  for (const std::string& line : document_lines()) {
    if (line.starts_with("| R")) {
      documented.push_back(line.substr(0, line.rfind(" | ", line.rfind(" |") - 1)));
    }
  }
  std::vector<std::string> checked_rules;
  for (unsigned rule = 1; rule < guest_abi::kPteRuleCount; ++rule) {
    checked_rules.push_back("| R" + std::to_string(rule) + " | " + kPteRules[rule].text + " | " +
                            model_list(kPteRules[rule].models));
  }
  EXPECT_EQ(documented, checked_rules);
}

TEST(PteRules, TheDocumentHasTheSameBreaches) {
  std::vector<std::string> documented;
  for (const std::string& line : document_lines()) {
    if (line.starts_with("| `") && line.find("_") != std::string::npos && line.ends_with(" |") &&
        (line.find(" | R") != std::string::npos)) {
      documented.push_back(line);
    }
  }
  std::vector<std::string> seeded;
  for (const Breach& breach : kBreaches) {
    seeded.push_back(table_row(breach, breach.rules));
  }
  EXPECT_EQ(documented, seeded);
}

}  // namespace
}  // namespace kernel::test

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "--table") {
    return kernel::test::print_table() ? 0 : 1;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
