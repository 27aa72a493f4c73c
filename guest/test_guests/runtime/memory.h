// The guest's own memory: pfn to mfn and back, its start-of-day page tables.
#pragma once

#include <stdint.h>

#include "abi/xen.h"

namespace test_guest {

inline constexpr uint64_t kVirtualBase = 0xffffffff80000000;
inline constexpr uint64_t kPageSize = 4096;
inline constexpr uint64_t kFrameMask = 0x000ffffffffff000;
inline constexpr uint64_t kInvalid = ~uint64_t{0};

enum PteBits : uint64_t {
  kPresent = 1,
  kWritable = 2,
  kUser = 4,
  kAccessed = 0x20,
  kDirty = 0x40,
  kLargePage = 0x80,
};

// Where an entry is: its table, mapped read-only for the guest, and its machine address.
struct EntryPlace {
  volatile uint64_t* entry;
  uint64_t machine_address;
};

void remember_start_info(const start_info_t* info);
const start_info_t& start_info();

uint64_t mfn_of_pfn(uint64_t pfn);
uint64_t pfn_of_mfn(uint64_t mfn);                      // kInvalid: not ours
uint64_t mfn_of_address(const volatile void* address);  // of anything in the start-of-day region
volatile uint64_t* address_of_mfn(uint64_t mfn);

uint64_t root_mfn();
// The entry of that level (1..4) that the address is translated by.
EntryPlace find_entry(uint64_t address, unsigned level);

// A page of the guest's own that nothing else uses, by number.
inline constexpr unsigned kScratchPages = 8;
uint8_t* scratch_page(unsigned number);

}  // namespace test_guest
