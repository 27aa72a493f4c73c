// What was tried, in groups: statements, functions, kinds of memory, errors that were expected, and
// settings of runs.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "fuzz/run_point.h"
#include "workload/ast.h"

namespace vmm::fuzz {

inline constexpr size_t kMostCovered = 192;

// A place for counts that another process can read.
using CoverageCounts = std::span<uint64_t, kMostCovered>;

struct CoverageName {
  std::string group;  // empty: no workload is meant to have it
  std::string name;
};

// What is counted at each place; no more than kMostCovered.
const std::vector<CoverageName>& coverage_names();

void cover(const Script& script, CoverageCounts counts);
void cover(const RunPoint& point, CoverageCounts counts);

}  // namespace vmm::fuzz
