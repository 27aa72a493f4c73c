#include "report/rule_report.h"

#include <gtest/gtest.h>

namespace vmm {
namespace {

guest_abi::PteRuleReport broken_report() {
  guest_abi::PteRuleReport report{};
  report.models = 5;
  report.entries_followed = 4000;
  report.events = 77;
  report.hash_inserted = 50;
  report.hash_evicted = 4;
  report.hash_batches = 6;
  report.breaches[9] = 3;
  report.breaches[18] = 1;
  report.rule = guest_abi::PteRule::kAccessedDirtyLost;
  report.address = 0x10000000;
  report.first = {guest_abi::PteEvent::kRead, 0, 0x67, 0x67, {0xa1, 0xa2}};
  report.second = {guest_abi::PteEvent::kQueued, 2, 0x67, 0x65, {0xb1, 0xb2}};
  return report;
}

std::string name_of(uint64_t address) {
  return address == 0xb2 ? "" : "function_" + std::to_string(address);
}

TEST(RuleReport, TheTextNamesRuleEventsAndCallers) {
  EXPECT_EQ(rule_report_text(broken_report(), name_of),
            "*** pte rule R9 (x86) is broken: no A or D that a processor sets is lost where the "
            "accessor promises to keep it\n"
            "entry of address 0x10000000\n"
            "first: read, 0x67 -> 0x67, vCPU 0\n"
            "  0x00000000000000a1  function_161\n"
            "  0x00000000000000a2  function_162\n"
            "then: update, 0x67 -> 0x65, vCPU 2\n"
            "  0x00000000000000b1  function_177\n");
}

TEST(RuleReport, TheJsonHasCountsAndTheFirstBreach) {
  const nlohmann::ordered_json json = rule_report_json(broken_report(), name_of);
  EXPECT_EQ(json["models"].dump(), R"(["x86","s390"])");
  EXPECT_EQ(json["breaches"].dump(), R"({"R9":3,"R18":1})");
  EXPECT_EQ(json["events"], 77);
  EXPECT_EQ(json["hash_table"].dump(), R"({"inserted":50,"evicted":4,"batches":6})");
  EXPECT_EQ(json["first_breach"]["rule"], "R9");
  EXPECT_EQ(json["first_breach"]["second"]["event"], "update");
  EXPECT_EQ(json["first_breach"]["second"]["vcpu"], 2);
  EXPECT_EQ(json["first_breach"]["first"]["backtrace"].size(), 2u);
}

TEST(RuleReport, NothingCheckedAndNothingBroken) {
  guest_abi::PteRuleReport report{};
  EXPECT_TRUE(rule_report_json(report, name_of).is_null());
  report.models = 1;
  EXPECT_EQ(rule_report_text(report, name_of), "");
  EXPECT_EQ(rule_report_json(report, name_of)["breaches"].dump(), "{}");
  EXPECT_FALSE(rule_report_json(report, name_of).contains("first_breach"));
}

TEST(RuleReport, WhatTheGuestInventsLeadsNowhere) {
  guest_abi::PteRuleReport report = broken_report();
  report.first.kind = static_cast<guest_abi::PteEvent>(4711);
  EXPECT_NE(rule_report_text(report, name_of).find("first: event 4711"), std::string::npos);
  report.rule = static_cast<guest_abi::PteRule>(4711);
  EXPECT_EQ(rule_report_text(report, name_of), "");
  report.models = ~0u;
  EXPECT_EQ(rule_report_json(report, name_of)["models"].size(), 3u);
}

}  // namespace
}  // namespace vmm
