// Taking areas out of an address space.
#pragma once

#include "mm/address_space.h"
#include "mm/range.h"

namespace kernel {

// Unmaps a range that may hold anything: areas, pages, and tables that nothing uses any more. With
// the Mm lock. False: no memory to split an area; nothing changed.
bool unmap_range(Mm& mm, const Range& range);

}  // namespace kernel
