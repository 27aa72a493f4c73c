// What this process has in memory, as one number: all that a run can depend on, since a run is a
// copy of a process and all copies have the same things at the same addresses.
//
// Counted are the pages that were written since the copy was made, of all its writable mappings
// but those that it shares with the search; of stacks, what is in use. Nothing is left out that
// could make a difference, so that equal numbers mean equal states (as far as 64 bits can); what
// makes none, such as the order of free memory, may keep equal states apart.
#pragma once

#include <cstdint>

namespace vmm::explore {

// `live`: an address in the frame of the caller, below which its stack is unused. 0: the host does
// not say which pages were written, or there is too much to look through.
uint64_t memory_state(const void* live);

}  // namespace vmm::explore
