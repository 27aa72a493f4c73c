// The laboratory of lazy mode: instead of a program the guest plays one of a few schedules, each a
// way in which a lazy section is not left alone, under the rules that `lazy_policy` names.
//
// What goes wrong is found, not expected: the kernel's checks report, and after each step the
// laboratory looks whether what had to be in the page tables is there. The console says each
// finding once, and the guest fails if there is one. One processor. docs/lazy-mode.md.
#pragma once

#include <stdint.h>

namespace kernel {

// The command line asks for a schedule.
bool lazy_lab_is_open();
// Plays it, in a kernel thread. Returns 0, or 1 if there was a finding.
uint32_t lazy_lab_run();

// An interrupt's handler is at its end. Does nothing outside the laboratory.
void lazy_lab_interrupt();
// The kernel faulted at an address that the tables do not permit. True: the laboratory had that in
// mind and repaired it, the access may be tried again.
bool lazy_lab_fault(uint64_t address);

}  // namespace kernel
