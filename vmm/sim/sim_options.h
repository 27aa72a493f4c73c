// What the simulated processor is asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace vmm {

class SchedulePolicy;

// What a processor remembers of page tables.
struct SimTlb {
  enum class Kind {
    kNone,         // nothing: it walks every time
    kFull,         // everything, until it is flushed
    kRandom,       // as kFull, but it forgets, faults for nothing, and walks ahead to pages that
                   // were accessed before
    kSpeculative,  // as kRandom, but it walks ahead to any page, which sets Accessed
  };
  Kind kind = Kind::kFull;
  uint64_t seed = 1;  // of the last two
};

struct SimOptions {
  SimTlb tlb;
  uint64_t seed = 1;  // of the order in which vCPUs take turns
  // Called once, when the first process is about to start its program. What it returns takes the
  // place of that program, is no longer, and stays as it is; empty: nothing does. So who wants many
  // runs prepares a machine once, and goes on from here in copies of this process
  // (vmm/fuzz/zygote.h).
  std::function<std::span<const std::byte>()> replace_program = {};
  SchedulePolicy* policy = nullptr;  // takes the place of chance once it is active; null: none
};

}  // namespace vmm
