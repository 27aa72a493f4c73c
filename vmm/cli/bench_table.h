// The results of `pvmmu bench`, and how they are printed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace vmm {

struct BenchRow {
  std::string workload;
  std::string mode;
  uint64_t page_table_traps = 0;
  uint64_t hypercalls = 0;
  uint64_t ops = 0;
  double seconds = 0;
  int status = 0;                     // of the run; the counts are partial or absent unless it is 0
  nlohmann::ordered_json statistics;  // the run's own document; null if there is none
};

// Reads the counts from the last line of a run's output (--stats=json).
absl::StatusOr<BenchRow> bench_row(std::string_view output);

// For people. Each workload's traps stand beside those of its mode "single", where that ran too.
std::string bench_table(const std::vector<BenchRow>& rows);
// Schema "pvmmu-bench-1", one line; each run carries its statistics.
std::string bench_json(const std::vector<BenchRow>& rows, std::string_view kvm);

}  // namespace vmm
