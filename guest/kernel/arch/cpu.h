// The processor as the rest of the kernel sees it: who am I, masking of event upcalls, waiting.
//
// Inside the kernel event upcalls are masked from entry to exit; only the idle loop opens them.
// events_save() and events_restore() nest and are for code that must not depend on that.
#pragma once

#include <stdint.h>

namespace kernel {

struct Cpu;

inline constexpr unsigned kMaxCpus = 4;

// The state of the processor that runs the caller (percpu.h).
Cpu& this_cpu();
// Its number, 0 .. cpu_count() - 1.
unsigned current_cpu();

// Masks event upcalls; the result is what events_restore() needs.
uint64_t events_save();
// Back to what it was; an event that came meanwhile is handled before this returns.
void events_restore(uint64_t saved);
bool events_masked();

// A turn of a loop that waits for another processor: a pause, and once in a while the processor
// is given to others. `round` counts the turns from 0.
void spin_wait(unsigned round);
// One short pause of a loop that waits.
void cpu_pause();
// The time-stamp counter of the processor that runs the caller.
uint64_t read_tsc();
// Opens event upcalls and waits for one; masked again on return.
void wait_for_event();

// The guest ends: a SHUTDOWN_* reason.
[[noreturn]] void arch_shutdown(unsigned reason);

}  // namespace kernel
