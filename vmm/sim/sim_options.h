// What the simulated processor is asked for.
#pragma once

#include <cstdint>

namespace vmm {

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
};

}  // namespace vmm
