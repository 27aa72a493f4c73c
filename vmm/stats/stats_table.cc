#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "stats/stats_output.h"

namespace vmm {
namespace {

using Json = nlohmann::ordered_json;
using Row = std::vector<std::string>;

// First column to the left, the others to the right, as wide as their widest cell.
std::string aligned(const std::vector<Row>& rows) {
  std::vector<size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line = "  ";
    for (size_t i = 0; i < row.size(); ++i) {
      const int width = static_cast<int>(widths[i]);
      absl::StrAppendFormat(&line, i == 0 ? "%-*s" : "  %*s", width, row[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    absl::StrAppend(&text, line, "\n");
  }
  return text;
}

// "a.b" -> value for every number below the object that is not zero.
void collect(const Json& value, const std::string& name, std::vector<Row>& rows) {
  if (value.is_object()) {
    for (const auto& item : value.items()) {
      collect(item.value(), name.empty() ? item.key() : absl::StrCat(name, " ", item.key()), rows);
    }
  } else if (value.is_number() && value != 0) {
    rows.push_back({name, value.dump()});
  }
}

void append_section(std::string& text, const Json& statistics, const char* key) {
  std::vector<Row> rows;
  collect(statistics.at(key), "", rows);
  if (rows.empty()) return;
  absl::StrAppend(&text, key, "\n", aligned(rows));
}

std::string number(const Json& value) {
  return value == 0 ? "-" : value.dump();
}

void append_hypercalls(std::string& text, const Json& statistics) {
  std::vector<Row> rows = {{"", "calls", "ops"}};
  for (const auto& item : statistics.at("hypercalls").items()) {
    const Json& counts = item.value();
    if (counts.at("calls") == 0 && counts.at("ops") == 0) continue;
    rows.push_back({item.key(), number(counts.at("calls")), number(counts.at("ops"))});
  }
  if (rows.size() > 1) absl::StrAppend(&text, "hypercalls\n", aligned(rows));
}

uint64_t sum_of(const Json& object) {
  uint64_t sum = 0;
  for (const Json& value : object) sum += value.get<uint64_t>();
  return sum;
}

Row scope_row(const std::string& name, const Json& scope) {
  const Json& hypercalls = scope.at("hypercalls");
  const auto calls = [&](const char* call) { return number(hypercalls.at(call).at("calls")); };
  const uint64_t ops = hypercalls.at("mmu_update").at("ops").get<uint64_t>() +
                       hypercalls.at("mmuext_op").at("ops").get<uint64_t>() +
                       hypercalls.at("update_va_mapping").at("ops").get<uint64_t>();
  return {name,
          number(scope.at("page_table_traps")),
          number(scope.at("traps").at("emulated_write")),
          calls("mmu_update"),
          calls("mmuext_op"),
          calls("update_va_mapping"),
          calls("multicall"),
          number(ops),
          number(sum_of(scope.at("traps")))};
}

Row scope_header() {
  return {"",           "page-table traps", "emulated", "mmu_update", "mmuext_op",
          "va_mapping", "multicall",        "ops",      "all traps"};
}

void append_scopes(std::string& text, const Json& statistics) {
  std::vector<Row> rows = {scope_header()};
  for (const Json& phase : statistics.at("phases")) {
    rows.push_back(scope_row(phase.at("label").get<std::string>(), phase));
  }
  rows.push_back(scope_row("total", statistics));
  absl::StrAppend(&text, "by phase\n", aligned(rows));

  rows = {scope_header()};
  for (const auto& item : statistics.at("operations").items()) {
    rows.push_back(scope_row(item.key(), item.value()));
  }
  if (rows.size() > 1) absl::StrAppend(&text, "by operation\n", aligned(rows));

  const Json& per_vcpu = statistics.at("per_vcpu");
  if (per_vcpu.size() < 2) return;
  rows = {scope_header()};
  for (size_t i = 0; i < per_vcpu.size(); ++i) {
    rows.push_back(scope_row(absl::StrCat("vcpu ", i), per_vcpu[i]));
  }
  absl::StrAppend(&text, "by vcpu\n", aligned(rows));
}

std::string title(const Json& statistics) {
  const std::string workload = statistics.at("workload").get<std::string>();
  return absl::StrFormat(
      "--- %s  mode %s, %d vCPU, batch %s, split-ptl %s, seed %d, %s KVM: exit %d, %.3f s%s\n",
      workload.empty() ? statistics.at("guest").get<std::string>() : workload,
      statistics.at("mode").get<std::string>(), statistics.at("vcpus").get<int>(),
      statistics.at("batch").get<std::string>(), statistics.at("split_ptl") ? "on" : "off",
      statistics.at("seed").get<uint64_t>(), statistics.at("kvm").get<std::string>(),
      statistics.at("exit_code").get<int>(), statistics.at("wall_seconds").get<double>(),
      statistics.at("partial") ? ", PARTIAL: stopped before its end" : "");
}

}  // namespace

std::string statistics_table(const Json& statistics) {
  std::string text = title(statistics);
  append_section(text, statistics, "traps");
  append_hypercalls(text, statistics);
  for (const char* key : {"multicall", "mmu", "tlb", "kernel", "unimplemented", "exits"}) {
    append_section(text, statistics, key);
  }
  append_scopes(text, statistics);
  return text;
}

std::string format_statistics(const Json& statistics, StatsForm form) {
  switch (form) {
    case StatsForm::kTable:
      return statistics_table(statistics);
    case StatsForm::kJson:
      // A guest may print and label anything: bytes that are no UTF-8 must not break the document.
      return statistics.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    case StatsForm::kNone:
      break;
  }
  return "";
}

}  // namespace vmm
