// What the guest kernel says of a traced entry (`trace_pte=`, pte_rules/life_trace.h), with names
// in place of the callers' addresses. Stands between the guest's console and who reads it.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "report/rule_report.h"

namespace vmm {

class PteTrace {
 public:
  explicit PteTrace(CodeNames names) : names_(std::move(names)) {}

  // What is to be shown in place of a piece of the console. The guest writes a line of the trace in
  // one piece; all else stays as it is.
  std::string shown(std::string_view console);
  uint64_t line_count() const { return lines_; }

 private:
  const CodeNames names_;
  std::atomic<uint64_t> lines_ = 0;
};

}  // namespace vmm
