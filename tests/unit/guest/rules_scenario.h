// What a process does to its memory, in every way that the mm knows, with the rule checker on.
#pragma once

#include <cstdint>
#include <string>

#include "guest_abi/pte_rules.h"
#include "options.h"
#include "pte_rules/checker.h"
#include "pte_rules/seeded.h"

namespace kernel::test {

struct ScenarioResult {
  bool came_back = false;  // false: the kernel or the machine gave up on the way
  guest_abi::PteRuleReport rules{};
  std::string text;  // console, and what it gave up for
};

struct ScenarioSettings {
  Options options;  // with rules
  pte_rules::Seeded breach = pte_rules::Seeded::none;
  uint64_t storage_bytes = pte_rules::kStoragePages * 4096;
};

// Runs it in a child process, since a seeded breach may leave nothing to go on with.
ScenarioResult run_scenario(const ScenarioSettings& settings);

}  // namespace kernel::test
