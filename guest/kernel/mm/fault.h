// Making one page accessible: demand paging and copy-on-write.
#pragma once

#include <stdint.h>

#include "mm/address_space.h"
#include "mm/mm.h"
#include "mm/pv/accessors.h"

namespace kernel {

enum class Access : uint8_t { kRead, kWrite, kExecute };

// Makes the tables permit the access at a page of the user half. With the Mm lock held.
// A page of private memory that is not there gets a zeroed frame of its own, also for a read
// (there is no shared zero page), with all the rights of its area: a write after a read does not
// fault again. A file's page that is read is mapped read-only, and its first write faults.
// `by_process`: the process itself will make the access, and perhaps others behind it.
FaultResult make_accessible(Mm& mm, uint64_t address, Access access, bool by_process = false);

// What an empty entry of an area shall become, not accessed and clean, with a reference for its
// page. For a write or not matters to files: only a page that is written to becomes writable, and
// is dirty from here on. False: memory is out.
bool take_entry_for(const Vma& area, uint64_t address, bool for_write, UserPte& entry);
// What a swapped entry shall become for an access: it names the page that was in the slot. A read
// finds it writable only if nobody else had the slot; else the first write breaks copy-on-write,
// and reuses it. The entry's reference of the slot goes, so it must be changed before the Mm lock
// is dropped. False: memory is out, and nothing was done.
bool take_from_swap(const Vma& area, UserPte entry, Access access, UserPte& fresh);
// Brings back the page that an entry says is in the swap area.
FaultResult swap_in(const PtePlace& place, const Vma& area, UserPte entry, Access access,
                    bool by_process = false);

}  // namespace kernel
