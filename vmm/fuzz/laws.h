// The laws that runs of one workload are held to (docs/workload-fuzzing.md).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fuzz/run_point.h"
#include "fuzz/run_report.h"

namespace vmm::fuzz {

// A law that was broken.
struct Finding {
  enum class Law : uint8_t {
    kEnds,      // it ends, and the process that runs it does not die
    kModel,     // memory is what the model says, and no call fails that should not
    kSound,     // no crash, no leak, no disagreement of the audit
    kResult,    // console and status are the same in all runs
    kCounters,  // ..., and so are counters where they must be
  };
  Law law = Law::kEnds;
  std::string what;          // a line for people
  std::string kind;          // the same for findings of the same sort
  std::vector<size_t> runs;  // the one or two that show it: indices of points

  bool same_sort(const Finding& other) const { return law == other.law && kind == other.kind; }
};

const char* law_name(Finding::Law law);

std::optional<Finding> judge(std::span<const RunPoint> points, std::span<const RunReport> reports);

// Of what the guest printed, what these two runs must have in common.
std::string comparable_console(const RunReport& report, bool one_vcpu, bool no_speculation);

}  // namespace vmm::fuzz
