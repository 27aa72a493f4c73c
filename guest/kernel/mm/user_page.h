// Looking a user page up under the rules of its address space, for somebody other than the
// process's own processor: the kernel's accesses by another address, or a secondary MMU's.
#pragma once

#include <stdint.h>

#include "mm/address_space.h"
#include "mm/fault.h"
#include "mm/pv/user_pte.h"

namespace kernel {

// Makes the tables permit the access, as a fault of the process would (demand paging, swap in,
// breaking copy-on-write), and sets Dirty for a write, since no processor will. kResolved and the
// entry as it is then; or kBad, kNoMemory. With the Mm lock held.
FaultResult find_accessible(Mm& mm, uint64_t address, Access access, UserPte& entry);

// The page at an address, with a reference for the caller; takes the Mm lock. Nothing keeps the
// entry as it was once this has returned: who goes on to use the page by another translation
// watches the notifiers from before this call. kResolved; or kBad (also for a driver's frames,
// which nobody counts), kNoMemory.
FaultResult get_user_page(Mm& mm, uint64_t address, Access access, Page*& page);

}  // namespace kernel
