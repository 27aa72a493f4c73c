// The counters of one scope (total, a vCPU, a phase, an operation), VMM's and guest's together, and
// their JSON form, which is the same for every scope.
#pragma once

#include "guest_abi/accounting.h"
#include "nlohmann/json.hpp"
#include "stats/counters.h"
#include "stats/multicall_sizes.h"

namespace vmm {

struct CounterSet {
  Counters vmm{};
  MulticallSizes multicall_sizes;
  guest_abi::GuestCounters guest{};

  void add(const Counters& counters, const MulticallSizes& sizes);
  // Sums, but the larger of the maxima.
  void add(const guest_abi::GuestCounters& counters);
  bool empty() const;
};

// Appends "traps", "page_table_traps", "hypercalls", "multicall", "mmu", "tlb", ... to the object.
void append_counters(nlohmann::ordered_json& object, const CounterSet& counters);

// Paths below a scope whose values vary even on one vCPU, as "/traps/spurious_fault".
std::vector<std::string> varying_counter_paths();
// The keys that append_counters adds.
std::vector<std::string> counter_keys();

}  // namespace vmm
