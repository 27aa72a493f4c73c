#include "explore/schedule_file.h"

#include <gmock/gmock.h>

#include "explore/timeline.h"

namespace vmm::explore {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kGood =
    R"({"schema": "pvmmu-schedule-1", "workload": "w.wl", "flags": ["--mode=lazy"],
        "switches": [{"point": 3, "to": 1}, {"point": 9, "to": 0}]})";

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  text.replace(text.find(what), what.size(), by);
  return text;
}

std::string refusal(const std::string& text) {
  const auto parsed = parse_schedule(text, "s.json");
  return parsed.ok() ? "" : std::string(parsed.status().message());
}

TEST(ScheduleFileTest, WhatIsWrittenIsRead) {
  const SavedSchedule saved{"w.wl", {"--vcpus=3"}, {{1, 1}, {70000, 2}}, "a \"bug\"\nof two lines"};
  const auto read = parse_schedule(schedule_text(saved), "s.json");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->workload, saved.workload);
  EXPECT_EQ(read->flags, saved.flags);
  EXPECT_EQ(read->switches, saved.switches);
  EXPECT_EQ(read->what, saved.what);
}

TEST(ScheduleFileTest, TheExampleIsGood) {
  EXPECT_EQ(refusal(kGood), "");
}

TEST(ScheduleFileTest, WhatIsNoScheduleIsRefusedByName) {
  const std::string bad[] = {
      "",
      "nothing",
      "[]",
      "{}",
      replaced(kGood, "schedule-1", "schedule-2"),
      replaced(kGood, "\"pvmmu-schedule-1\"", "1"),
      replaced(kGood, "workload", "load"),
      replaced(kGood, "\"w.wl\"", "7"),
      replaced(kGood, "\"--mode=lazy\"", "{}"),
      replaced(kGood, "[\"--mode=lazy\"]", "\"--mode=lazy\""),
      replaced(kGood, "\"point\": 3", "\"point\": -3"),
      replaced(kGood, "\"point\": 3", "\"point\": 4294967296"),
      replaced(kGood, "\"point\": 3", "\"point\": 9"),
      replaced(kGood, "\"point\": 3", "\"point\": \"3\""),
      replaced(kGood, "\"to\": 1", "\"to\": 8"),
      replaced(kGood, "\"to\": 1", "\"at\": 1"),
      replaced(kGood, "{\"point\": 9, \"to\": 0}", "9"),
  };
  for (const std::string& text : bad) EXPECT_THAT(refusal(text), StartsWith("s.json: ")) << text;
}

RunRecord record_of(std::initializer_list<PassedPoint> points) {
  RunRecord record;
  record.points = points;
  return record;
}

PassedPoint point(PointKind kind, uint8_t running, uint8_t usual, uint8_t chosen) {
  PassedPoint passed;
  passed.kind = kind;
  passed.running = running;
  passed.usual = usual;
  passed.chosen = chosen;
  passed.able = 3;
  return passed;
}

const TimelineStyle kStyle = {
    .code_name = [](uint64_t address) { return address == 7 ? "kernel::zap_range()" : ""; },
    .turn_name = [](unsigned turn) { return "vCPU " + std::to_string(turn); }};

TEST(TimelineTest, EachTurnHasItsColumnAndSwitchesAreNamed) {
  PassedPoint named = point(PointKind::issue, 0, 0, 1);
  named.callers[0] = 7;
  const std::string text = timeline(record_of({named, point(PointKind::flush, 1, 1, 1)}), kStyle);
  EXPECT_EQ(text,
            " point  vCPU 0                                         vCPU 1\n"
            "     0  issues its queue: zap_range\n"
            "        --- switch: vCPU 1 goes on\n"
            "     1                                                 the hypervisor flushes\n");
}

TEST(TimelineTest, TheMiddleOfALongStretchIsLeftOut) {
  RunRecord record;
  for (int i = 0; i < 100; ++i) record.points.push_back(point(PointKind::store, 0, 0, 0));
  EXPECT_THAT(timeline(record, kStyle), HasSubstr("... 96 more"));
  TimelineStyle whole = kStyle;
  whole.whole = true;
  EXPECT_THAT(timeline(record, whole), Not(HasSubstr("more")));
}

}  // namespace
}  // namespace vmm::explore
