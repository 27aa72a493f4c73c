// The frames that the guest abuses, and what it must not abuse if it wants to live.
//
// General frames have a home: an address in the window, 2 MiB that one L1 table maps. That table,
// and the entry of the L2 table that leads to it, are fair game; so every access to the window is
// guarded. Roots are frames kept for L4 tables: their entry 511, through which the kernel runs, is
// good from the start and nobody changes it, so that each is safe to run on, if the hypervisor
// takes it. Their homes are in the kernel's own, untouched L1 tables.
#pragma once

#include <stdint.h>

#include "random_hostile/random.h"

namespace random_hostile {

inline constexpr unsigned kFrameCount = 512;
inline constexpr unsigned kFirstTableFrame = 256;  // from here on mostly tables, below mostly data
inline constexpr unsigned kRootCount = 16;
inline constexpr unsigned kKernelSlot = 511;  // of an L4 table
inline constexpr unsigned kBootTableLimit = 32;

inline constexpr uint64_t kReadOnlyFlags = 0x25;                   // present, user, accessed
inline constexpr uint64_t kWritableFlags = kReadOnlyFlags | 0x42;  // writable, dirty

void set_up_pool();

uint64_t frame_address(unsigned frame);
uint64_t frame_mfn(unsigned frame);
uint64_t root_address(unsigned root);
uint64_t root_mfn(unsigned root);

// The start-of-day tables, in use as long as the guest runs; number 0 is the root.
unsigned boot_table_count();
uint64_t boot_table_mfn(unsigned number);
uint64_t boot_root_mfn();

// Frames that are not this domain's: the hypervisor's, and shared_info.
uint64_t foreign_mfn(Random& random);

// The L1 table of the window: mapped read-only at this address.
uint64_t window_table_address();
uint64_t window_table_mfn();
// Machine addresses of entries: of the window's L1 table, and the L2 entry that leads to it.
uint64_t window_entry_place(unsigned frame);
uint64_t window_l2_place();

// Frames that were made into tables of a level (1..3) not long ago, by either vCPU.
void note_table(Random& random, unsigned level, unsigned frame);
unsigned recent_table(Random& random, unsigned level);

}  // namespace random_hostile
