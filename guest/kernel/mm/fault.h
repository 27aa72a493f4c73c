// Making one page accessible: demand paging and copy-on-write.
#pragma once

#include <stdint.h>

#include "mm/address_space.h"
#include "mm/mm.h"

namespace kernel {

enum class Access : uint8_t { kRead, kWrite, kExecute };

// Makes the tables permit the access at a page of the user half. With the Mm lock held.
// A page of private memory that is not there gets a zeroed frame of its own, also for a read
// (there is no shared zero page), with all the rights of its area: a write after a read does not
// fault again.
FaultResult make_accessible(Mm& mm, uint64_t address, Access access);

// The page that an empty entry of an area shall map, with a reference for the mapping; nullptr if
// memory is out.
Page* take_page_for(const Vma& area, uint64_t address);

}  // namespace kernel
