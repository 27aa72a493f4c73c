#include "cli/bench_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace vmm {
namespace {

using Json = nlohmann::ordered_json;

std::string ratio_to_single(const std::vector<BenchRow>& rows, const BenchRow& row) {
  const auto single = std::find_if(rows.begin(), rows.end(), [&](const BenchRow& other) {
    return other.workload == row.workload && other.mode == "single" && other.status == 0;
  });
  if (single == rows.end() || single->page_table_traps == 0 || row.status != 0) return "";
  return absl::StrFormat("%.3f", static_cast<double>(row.page_table_traps) /
                                     static_cast<double>(single->page_table_traps));
}

}  // namespace

absl::StatusOr<BenchRow> bench_row(std::string_view output) {
  while (output.ends_with('\n')) output.remove_suffix(1);
  const size_t line = output.rfind('\n');
  if (line != std::string_view::npos) output.remove_prefix(line + 1);
  Json statistics = Json::parse(output, nullptr, /*allow_exceptions=*/false);
  if (!statistics.is_object() || statistics.value("schema", "") != "pvmmu-stats-1") {
    return absl::InternalError("a run printed no statistics");
  }
  BenchRow row;
  row.workload = statistics.at("workload").get<std::string>();
  row.mode = statistics.at("mode").get<std::string>();
  row.page_table_traps = statistics.at("page_table_traps").get<uint64_t>();
  for (const auto& item : statistics.at("hypercalls").items()) {
    row.hypercalls += item.value().at("calls").get<uint64_t>();
    // The ops of multicalls stand under their own names too.
    if (item.key() != "multicall") row.ops += item.value().at("ops").get<uint64_t>();
  }
  row.seconds = statistics.at("wall_seconds").get<double>();
  row.status = statistics.at("exit_code").get<int>();
  row.statistics = std::move(statistics);
  return row;
}

std::string bench_table(const std::vector<BenchRow>& rows) {
  size_t widest = 8;
  for (const BenchRow& row : rows) widest = std::max(widest, row.workload.size());
  const int width = static_cast<int>(widest);
  std::string text =
      absl::StrFormat("%-*s  %-8s %16s %10s %10s %10s %9s\n", width, "workload", "mode",
                      "page-table traps", "of single", "hypercalls", "ops", "seconds");
  std::string last;
  for (const BenchRow& row : rows) {
    if (!last.empty() && last != row.workload) absl::StrAppend(&text, "\n");
    absl::StrAppendFormat(&text, "%-*s  %-8s %16d %10s %10d %10d %9.3f%s\n", width,
                          row.workload == last ? "" : row.workload, row.mode, row.page_table_traps,
                          ratio_to_single(rows, row), row.hypercalls, row.ops, row.seconds,
                          row.status == 0 ? "" : absl::StrCat("  FAILED: status ", row.status));
    last = row.workload;
  }
  return text;
}

std::string bench_json(const std::vector<BenchRow>& rows, std::string_view kvm) {
  Json runs = Json::array();
  for (const BenchRow& row : rows) {
    runs.push_back({{"workload", row.workload},
                    {"mode", row.mode},
                    {"page_table_traps", row.page_table_traps},
                    {"hypercalls", row.hypercalls},
                    {"ops", row.ops},
                    {"wall_seconds", row.seconds},
                    {"exit_code", row.status},
                    {"statistics", row.statistics}});
  }
  const Json document = {{"schema", "pvmmu-bench-1"}, {"kvm", kvm}, {"runs", std::move(runs)}};
  return document.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace vmm
