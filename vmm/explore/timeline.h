// A run as a time-line for people: one column for each turn, one line for each point.
#pragma once

#include <functional>
#include <string>

#include "explore/schedule.h"

namespace vmm::explore {

struct TimelineStyle {
  std::function<std::string(uint64_t address)> code_name;  // of a return address; empty: unknown
  std::function<std::string(unsigned turn)> turn_name;     // "vCPU 0"
  bool whole = false;  // otherwise only the ends of what a turn does without interruption
};

// From a little before the first switch of the schedule on.
std::string timeline(const RunRecord& record, const TimelineStyle& style);

}  // namespace vmm::explore
