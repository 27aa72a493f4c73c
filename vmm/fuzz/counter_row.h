// The counters of a run that repeat exactly on one vCPU, as one row of numbers that is quick to
// compare and to send: by phase and operation, as the statistics have them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "machine/run_machine.h"

namespace vmm::fuzz {

struct CountedValue {
  uint32_t key = 0;  // which counter, of which phase and operation
  uint32_t reserved = 0;
  uint64_t value = 0;

  friend bool operator==(const CountedValue&, const CountedValue&) = default;
};

using CounterRow = std::vector<CountedValue>;

// Those that are not 0, in order of their keys.
CounterRow counter_row(const RunResult& result);

// "traps.page_fault of fault in phase 2"
std::string counter_name(uint32_t key);

// "mmu.pins of fork in phase 1: 12 and 13", or empty if both rows are the same.
std::string first_difference(const CounterRow& one, const CounterRow& other);

}  // namespace vmm::fuzz
