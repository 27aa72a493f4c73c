// Event channels: interrupts between processors, and the timer.
#pragma once

#include "percpu.h"

namespace kernel {

// Binds the processor's event channels; by the boot processor, before `cpu` runs.
void events_start(Cpu& cpu);
// Lets a port of this kernel bring upcalls, from the time it exists.
void events_open_port(evtchn_port_t port);
// Starts the processor's periodic timer, if the options ask for one. By the processor itself.
void timer_start();

// Takes every pending event of this processor. Events are masked.
void events_take_pending();
// Makes another processor look at the run queue.
void send_reschedule(Cpu& cpu);

}  // namespace kernel
