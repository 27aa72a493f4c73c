#include "cli/bench_table.h"

#include <gtest/gtest.h>

#include "nlohmann/json.hpp"

namespace vmm {
namespace {

constexpr const char* kStatistics =
    R"({"schema":"pvmmu-stats-1","workload":"w","mode":"lazy","page_table_traps":20,)"
    R"("hypercalls":{"mmu_update":{"calls":1,"ops":30},"multicall":{"calls":19,"ops":25},)"
    R"("sched_op":{"calls":5,"ops":0}},"wall_seconds":0.25,"exit_code":0})";

BenchRow row(const char* mode, uint64_t traps, int status = 0) {
  BenchRow row;
  row.workload = "w";
  row.mode = mode;
  row.page_table_traps = traps;
  row.status = status;
  return row;
}

TEST(BenchRow, ReadsTheLastLineOfARun) {
  const auto read = bench_row(std::string("console\n{not json}\n") + kStatistics + "\n");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->workload, "w");
  EXPECT_EQ(read->mode, "lazy");
  EXPECT_EQ(read->page_table_traps, 20u);
  EXPECT_EQ(read->hypercalls, 25u);
  EXPECT_EQ(read->ops, 30u);
  EXPECT_DOUBLE_EQ(read->seconds, 0.25);
}

TEST(BenchRow, OutputWithoutStatisticsIsAnError) {
  for (const char* output : {"", "\n", "hello\n", "[]\n", "{}\n", "{\"schema\":\"other\"}"}) {
    EXPECT_FALSE(bench_row(output).ok()) << output;
  }
}

TEST(BenchTable, ComparesWithSingleOfTheSameWorkload) {
  const std::string text = bench_table({row("single", 200), row("batched", 10)});
  EXPECT_NE(text.find("0.050"), std::string::npos) << text;
  EXPECT_EQ(bench_table({row("batched", 10)}).find("0.050"), std::string::npos);
  EXPECT_EQ(bench_table({row("single", 0), row("batched", 0)}).find("nan"), std::string::npos);
}

TEST(BenchTable, ShowsWhichRunFailed) {
  const std::string text = bench_table({row("single", 0, 124)});
  EXPECT_NE(text.find("FAILED: status 124"), std::string::npos) << text;
}

TEST(BenchJson, IsOneLine) {
  BenchRow run = row("single", 200);
  run.statistics = {{"seed", 7}};
  const std::string text = bench_json({run}, "host");
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  const auto document = nlohmann::json::parse(text);
  EXPECT_EQ(document["runs"][0]["page_table_traps"], 200);
  EXPECT_EQ(document["runs"][0]["statistics"]["seed"], 7);
  EXPECT_EQ(document["kvm"], "host");
}

}  // namespace
}  // namespace vmm
