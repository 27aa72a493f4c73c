#include "fuzz/laws.h"

#include "fuzz/corpus.h"
#include "fuzz/worker.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace vmm::fuzz {
namespace {

using Law = Finding::Law;

RunPoint point(std::vector<std::string> flags) {
  flags.emplace_back("--engine=sim");
  return *run_point(std::move(flags));
}

RunReport report(std::string console, int status = 0) {
  RunReport ended;
  ended.end = RunReport::End::kEnded;
  ended.status = status;
  ended.console = std::move(console);
  return ended;
}

std::optional<Finding> judge_two(const RunPoint& a, const RunReport& one, const RunPoint& b,
                                 const RunReport& other) {
  const RunPoint points[] = {a, b};
  const RunReport reports[] = {one, other};
  return judge(points, reports);
}

TEST(LawsTest, LikeRunsBreakNone) {
  const auto lazy = point({"--mode=lazy"}), single = point({"--mode=single"});
  EXPECT_FALSE(judge_two(lazy, report("pvmmu guest: lazy\nvalue 1\n"), single,
                         report("pvmmu guest: single\nvalue 1\n")));
}

TEST(LawsTest, ABrokenExpectationIsOfItsStatementsSort) {
  const auto lazy = point({"--mode=lazy"});
  const auto found =
      judge_two(lazy, report("x\nworkload failed: f.wl:9: check a[3] 5: got 0, expected 5\n", 1),
                lazy, report("x\n"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->law, Law::kModel);
  EXPECT_EQ(found->kind, "check");
  EXPECT_THAT(found->runs, testing::ElementsAre(0));
}

TEST(LawsTest, DifferentConsolesAreFound) {
  const auto lazy = point({"--mode=lazy"}), single = point({"--mode=single"});
  const auto found = judge_two(lazy, report("value 1\n"), single, report("value 2\n"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->law, Law::kResult);
  EXPECT_THAT(found->runs, testing::ElementsAre(0, 1));
}

TEST(LawsTest, LinesThatNeedNotBeTheSameAreLeftOut) {
  const auto one = point({}), four = point({"--vcpus=4"});
  const auto guessing = point({"--sim-tlb=speculative:1"});
  const RunReport a = report("one: a 5\naged: young 3\nx\ny\n");
  const RunReport b = report("y\none: a 6\naged: young 4\nx\n");
  EXPECT_FALSE(judge_two(four, a, four, b));
  EXPECT_TRUE(judge_two(one, a, one, b));
  EXPECT_FALSE(judge_two(one, report("aged: young 3\n"), guessing, report("aged: young 4\n")));
}

TEST(LawsTest, CountersAreComparedWhereTheyMustBeTheSame) {
  const auto plain = point({}), cut = point({"--preempt-at=every"}), lazy = point({"--mode=lazy"});
  RunReport a = report(""), b = report("");
  a.counters = {{1, 0, 5}};
  b.counters = {{1, 0, 6}};
  const auto found = judge_two(plain, a, cut, b);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->law, Law::kCounters);
  EXPECT_FALSE(judge_two(plain, a, lazy, b));
  EXPECT_FALSE(judge_two(point({"--vcpus=2"}), a, point({"--vcpus=2"}), b));
}

TEST(LawsTest, ARunThatDiedOrDidNotEndIsFound) {
  RunReport died, hung, crashed = report("kernel panic on vCPU 0: no\n", 1);
  died.end = RunReport::End::kSignal;
  hung.end = RunReport::End::kTooLong;
  EXPECT_EQ(judge_two(point({}), died, point({}), report(""))->law, Law::kEnds);
  EXPECT_EQ(judge_two(point({}), hung, point({}), report(""))->kind, "hang");
  EXPECT_EQ(judge_two(point({}), crashed, point({}), report(""))->law, Law::kSound);
}

std::string kind_of(const std::string& text) {
  RunReport failed = report("", 1);
  failed.report = text;
  return judge_two(point({}), failed, point({}), report(""))->kind;
}

TEST(LawsTest, FindingsThatDifferInNumbersAloneAreOfOneSort) {
  EXPECT_EQ(kind_of("frame 0x24c at 0x10000000 of vCPU 1 is free"),
            kind_of("frame 0xbad at 0xffff8800deadbeef of vCPU 13 is free"));
  EXPECT_EQ(kind_of("trap 14 at ffff8400000000a5"), kind_of("trap 6 at ffff8400000b00"));
  EXPECT_NE(kind_of("frame 0x24c is free"), kind_of("frame 0x24c is a table"));
  // A word is no number because its letters are hexadecimal digits.
  EXPECT_NE(kind_of("a bad frame"), kind_of("a frame"));
  EXPECT_NE(kind_of("the accelerator has frame 0x24c at 0x10000000 of context 1, but it is free"),
            kind_of("the accelerator has frame 0x24c at 0x10000000 of context 1, but it is gone"));
}

TEST(CounterRowTest, TheFirstDifferenceIsNamed) {
  const CounterRow one = {{2, 0, 5}, {9, 0, 1}}, other = {{2, 0, 5}, {8, 0, 3}, {9, 0, 1}};
  EXPECT_EQ(first_difference(one, one), "");
  EXPECT_THAT(first_difference(one, other), testing::HasSubstr(": 0 and 3"));
  EXPECT_THAT(first_difference(other, one), testing::HasSubstr("traps."));
}

TEST(CorpusTest, AFailureSaysHowItWasRun) {
  const std::vector<RunPoint> points = {point({"--mode=lazy", "--batch=3"}), point({})};
  const Finding finding{Law::kModel, "what", "kind", {0}};
  const std::string text = failure_text("yield\n", finding, points);
  const auto read = points_of(text);
  ASSERT_TRUE(read.ok());
  ASSERT_EQ(read->size(), 2u);
  EXPECT_EQ((*read)[0].settings.mode, "lazy");
  EXPECT_EQ(queue_limits((*read)[0].settings).entries, 3u);
  EXPECT_FALSE(points_of("# run: --no-such-flag\n").ok());
}

TEST(WorkerTest, FailuresGoToTheSessionWhole) {
  const Failure failure{
      {Law::kCounters, "what \"quoted\"", "kind", {}}, "a\nb\n", "path", "origin", {"--x", "--y"}};
  std::string bytes = encode_failure(failure) + encode_failure(failure) + "{";
  for (int i = 0; i < 2; ++i) {
    const auto read = decode_failure(bytes);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->text, failure.text);
    EXPECT_EQ(read->flags, failure.flags);
    EXPECT_EQ(read->finding.law, Law::kCounters);
  }
  EXPECT_FALSE(decode_failure(bytes));
}

TEST(RunPointTest, OverManyRoundsEverySettingComes) {
  std::array<uint64_t, kMostCovered> counts{};
  Random random(1);
  for (int i = 0; i < 300; ++i) {
    const auto points = random_points({}, 3, random);
    ASSERT_EQ(points.size(), 3u);
    EXPECT_EQ(points[0].settings.mode, points[1].settings.mode);
    for (const RunPoint& each : points) cover(each, counts);
  }
  const auto& names = coverage_names();
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string& group = names[i].group;
    const bool of_runs = group == "mode" || group == "batch" || group == "split-ptl" ||
                         group == "tlb" || group == "preempt-at" || group == "audit";
    if (of_runs && names[i].name != "a processor's") {
      EXPECT_GT(counts[i], 0u) << group << " " << names[i].name;
    }
  }
}

}  // namespace
}  // namespace vmm::fuzz
