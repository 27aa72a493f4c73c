// Random entries, places of entries, pointers and counts: mostly plausible, so that much succeeds.
//
// None of them leads to the guest's own end: no entry makes the kernel's frames writable, no place
// is an entry that the kernel runs through.
#pragma once

#include <stdint.h>

#include "random_hostile/cpu.h"

namespace random_hostile {

// An entry for a table of this level, 1..4. In a table of another level it does no harm either:
// arrays of requests may be taken apart and mixed.
uint64_t random_entry(Random& random, unsigned level);
// An L1 entry for a start-of-day table that stays in use whatever happens: writable, it must be
// refused. In a table of another level it would be right, and give the kernel's tables away.
uint64_t boot_table_leaf(Random& random, bool writable);

struct EntryPlace {
  uint64_t machine_address;
  unsigned level;  // whose entries fit there
};
EntryPlace random_place(Random& random);

// A slot of a root that may be changed.
unsigned random_root_slot(Random& random);
// Few slots, so that those who fill tables and those who look into them meet.
unsigned random_slot(Random& random);

uint64_t random_mfn(Random& random);
// An address that some table of ours may map: the window, or what roots map below.
uint64_t random_mapped_address(Random& random);
// For reading or writing by the hypervisor: bad in many ways, harmless if it is good.
uint64_t bad_pointer(Cpu& cpu);
// The pointer itself, or now and then a bad one.
uint64_t maybe_bad(Cpu& cpu, const void* good);
// The count itself, or now and then a larger one.
uint64_t maybe_huge(Random& random, unsigned good);
// Flags of update_va_mapping, some with a bitmap of vCPUs.
uint64_t random_flush(Cpu& cpu);

}  // namespace random_hostile
