// The rule checker: one stream of events (hooks.h), a bounded memory of entries, and a model for
// each architecture that is asked about each event. docs/pte-access-rules.md.
//
// A breach stops the guest: the console says which rule, the two events that break it and who made
// them, and the kernel panics. With `report` it is counted, and told once for each rule. Either way
// the VMM finds it in the accounting page (guest_abi/pte_rules.h).
//
// Events of all vCPUs are judged one after the other, under a lock that is taken last of all.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "guest_abi/pte_rules.h"
#include "pte_rules/life_trace.h"

namespace kernel::pte_rules {

// What the command line asks for.
struct Settings {
  uint32_t models = 0;  // sum of guest_abi::PteModel; 0: off
  bool report = false;
  uint64_t traced = kTraceNothing;  // the entry of this address, in every address space
  bool any() const { return models != 0 || traced != kTraceNothing; }
};

// Memory that the checker takes if it is on: about 4,000 entries are followed at once. The modelled
// hash table and its batches are the first part of it.
inline constexpr uint64_t kHashPages = 6;
inline constexpr uint64_t kStoragePages = kHashPages + 183;

// Turns the checker on. Before the first address space is made; the storage is zeroed and stays.
void start(const Settings& settings, void* storage, size_t byte_count);
// Off again, and everything forgotten: for tests.
void stop();

}  // namespace kernel::pte_rules
