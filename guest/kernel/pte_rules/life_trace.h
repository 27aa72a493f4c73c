// The life of one entry: every event of the checker's stream that concerned it, on the console.
//
// One line for an event, with the callers' addresses at its end, which the VMM replaces by names
// (vmm/report/pte_trace.h). Written under the checker's lock, so in the order of the events.
#pragma once

#include <stdint.h>

#include "guest_abi/pte_rules.h"
#include "mm/pv/user_pte.h"

namespace kernel {

struct Mm;

namespace pte_rules {

// None is an address of the kernel's half.
inline constexpr uint64_t kTraceNothing = UINT64_MAX;

// An event, and what is unfinished about the entry after it (Pending, record_table.h).
struct Moment {
  const guest_abi::PteEventRecord& event;
  const Mm& mm;
  uint32_t pending = 0;
  bool lazy = false;
  bool shows_values = true;  // what the event says of before and after is about the entry
  bool is_intent = false;    // and is its state
  uint64_t calls = 0;        // made by this event; 0: it makes none
};

void print_moment(const Moment& moment);

}  // namespace pte_rules
}  // namespace kernel
