// The order in which a domain's pseudo-physical frames take machine frames.
//
// Shuffled is the default, so that a mix-up of pfn and mfn breaks at once. The shuffle depends on
// the seed alone: the same on every machine and with every standard library.
#pragma once

#include <cstdint>
#include <vector>

#include "base/frame.h"

namespace vmm {

enum class P2mOrder { kShuffled, kIdentity };

// p2m[pfn] = mfn, a permutation of [first, first + count). kIdentity keeps the order: mfn = first +
// pfn.
std::vector<pvmmu::Mfn> make_p2m(P2mOrder order, pvmmu::Mfn first, uint64_t count, uint64_t seed);

}  // namespace vmm
