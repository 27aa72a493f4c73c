// Lazy mode: whether what is queued waits. Four sets of rules for it, those that Linux had in as
// many years; docs/lazy-mode.md compares them, lazy_lab/ tries them out.
//
//   2007  a processor is in it or not. Entering twice panics, and so does a switch of threads
//         inside. What the kernel follows unless it is told otherwise
//   2023  entering nests: a depth for each processor. A switch of threads leaves once, and enters
//         again when the thread comes back. In interrupts nothing waits
//   2025  as 2023, but entering twice panics
//   2026  a depth for each thread, which stays with it while others run; can be paused; in
//         interrupts the calls do nothing, and nothing waits
//
// Wherever a section or a pause begins or ends (the inner ones too), what waits is made when it
// ends. Called with event upcalls masked, by the thread that runs.
#pragma once

#include <stdint.h>

#include "guest_abi/lazy_lab.h"

namespace kernel {

using guest_abi::LazyPolicy;

// Of a thread.
struct LazyThread {
  bool left_at_switch = false;  // 2023, 2025: enters again when it comes back
  unsigned depth = 0;           // 2026
  unsigned pauses = 0;          // 2026
};

// Of a processor.
struct LazyCpu {
  unsigned depth = 0;  // but in 2026
  bool in_interrupt = false;
  LazyThread before_threads;  // of what runs before the first switch
  LazyThread* thread = &before_threads;
};

void lazy_enter();
void lazy_leave();
// Around what must be made at once, wherever it is called from: 2026 only, nothing in the others.
void lazy_pause();
void lazy_resume();

// Around a switch of threads: before `previous` makes way, and as `next` when it has the processor.
void lazy_switch_out(LazyThread& previous);
void lazy_switch_in(LazyThread& next);
// Around the handler of an interrupt.
void lazy_interrupt_begin();
void lazy_interrupt_end();

// In the laboratory the kernel's own checks tell this what they see, and the kernel goes on; where
// it is null they panic.
using LazyObserver = void (*)(const char* what);
extern LazyObserver lazy_observer;

}  // namespace kernel
