// One whole run, in a process that is there for nothing else.
#pragma once

#include <functional>
#include <span>

#include "fuzz/run_area.h"
#include "fuzz/run_point.h"

namespace vmm::fuzz {

// Seconds after which a run counts as one without end.
inline constexpr unsigned kPatienceSimulated = 20;
inline constexpr unsigned kPatienceOfKvm = 120;

// Builds the machine, runs the program, puts what came of it into the area, and ends the process.
// `replace`, `policy`: SimOptions::replace_program, with which `program` is only what is loaded
// first.
[[noreturn]] void run_once(const RunPoint& point, const GuestMachine& guest,
                           std::span<const std::byte> program,
                           std::function<std::span<const std::byte>()> replace, RunArea& area,
                           SchedulePolicy* policy = nullptr);

// From a wait status.
RunReport report_of_death(int wait_status);

// The same in a process of its own, for the area's program.
RunReport run_in_child(const RunPoint& point, const GuestMachine& guest, RunArea& area,
                       unsigned patience_seconds);

}  // namespace vmm::fuzz
