// What a trap means: faults of processes, bugs of the kernel, system calls, events.
//
// The entry code calls these with events masked, on the kernel stack of the thread that runs. Each
// returns to go back to where `frame` says.
#pragma once

#include <stdint.h>

#include "arch/trap_frame.h"

namespace kernel {

enum : unsigned {
  kVectorDebug = 1,
  kVectorBreakpoint = 3,
  kVectorPageFault = 14,
};

extern "C" {
void handle_exception(TrapFrame* frame, unsigned vector);
void handle_syscall(TrapFrame* frame);
void handle_event_upcall(TrapFrame* frame);
void handle_failsafe(TrapFrame* frame);
}

// The system call that `frame` asks for; fills in the result.
void dispatch_syscall(TrapFrame& frame);

// Names the registers on the console, before a panic.
void print_registers(const TrapFrame& frame);

}  // namespace kernel
