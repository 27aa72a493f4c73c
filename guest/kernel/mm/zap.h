// Taking pages out of an address space.
#pragma once

#include <stdint.h>

#include "mm/address_space.h"
#include "mm/pv/tables.h"

namespace kernel {

// Empties all entries in [start, end) and drops their pages, after one flush. Mm lock held.
void zap_range(Mm& mm, uint64_t start, uint64_t end);
// The same, and unlinks the tables that then are not used; in mode best in the call of the last
// updates.
void zap_range_and_tables(Mm& mm, uint64_t start, uint64_t end, UnusedTables& unused);
// The same for a whole address space that is not pinned: no request, nothing to flush.
void zap_whole_mm(Mm& mm);

}  // namespace kernel
