// What a finished run means: exit status, report, whether the counts are whole.
#include "cli/run_outcome.h"

#include <gtest/gtest.h>

namespace vmm {
namespace {

RunResult shut_down_well() {
  RunResult result;
  result.end = RunResult::End::kShutdown;
  result.audited = true;
  return result;
}

TEST(RunOutcome, AGuestThatFinishedWell) {
  const RunOutcome outcome = describe_outcome(shut_down_well(), {});
  EXPECT_EQ(outcome.status, ExitStatus::kSuccess);
  EXPECT_EQ(outcome.report, "");
  EXPECT_FALSE(outcome.partial);
}

TEST(RunOutcome, ADisagreementAtTheEndFailsAGoodRun) {
  RunResult result = shut_down_well();
  result.audit_differences = {"frame 0x41: type is writable, but none by recount"};
  result.audit_report = "*** the audit found ...\n";
  const RunOutcome outcome = describe_outcome(result, {});
  EXPECT_EQ(outcome.status, ExitStatus::kGuestFailed);
  EXPECT_EQ(outcome.report, result.audit_report);
  EXPECT_FALSE(outcome.partial);
}

TEST(RunOutcome, ADisagreementAfterACallStopsTheRun) {
  RunResult result = shut_down_well();
  result.end = RunResult::End::kDisagreed;
  result.audit_differences = {"frame 0x41: type is writable, but none by recount"};
  result.audit_report = "*** the audit found ...\n";
  const RunOutcome outcome = describe_outcome(result, {});
  EXPECT_EQ(outcome.status, ExitStatus::kGuestFailed);
  EXPECT_EQ(outcome.report, result.audit_report);
  EXPECT_TRUE(outcome.partial);
  EXPECT_TRUE(outcome.has_statistics);
}

TEST(RunOutcome, WhatWasNotExplainedIsSummedUpIfExplanationsWereWanted) {
  RunResult result = shut_down_well();
  result.refusals.dropped = 7;
  result.refusals.summary = "  7 of mmu_update, ...\n";
  EXPECT_EQ(describe_outcome(result, {}).report, "");
  result.frames.emplace();
  EXPECT_EQ(describe_outcome(result, {}).report,
            "pvmmu: 7 more refusals were not explained:\n  7 of mmu_update, ...\n");
}

}  // namespace
}  // namespace vmm
