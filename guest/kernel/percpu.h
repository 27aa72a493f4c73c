// What the kernel keeps for each processor. Touched by its own processor only, unless said.
#pragma once

#include <stdint.h>

#include "abi/xen.h"
#include "arch/cpu.h"
#include "guest_abi/accounting.h"

namespace kernel {

struct Task;
struct Mm;

struct Cpu {
  Cpu* self = nullptr;  // first: what the arch reads to find the rest
  unsigned id = 0;
  // Set when another thread should run; looked at on the way back to user mode.
  bool need_resched = false;  // atomic: other processors set it
  Task* current = nullptr;
  Task* idle = nullptr;
  // A process's thread that ended here: its stack is free once another runs.
  Task* ended = nullptr;
  // The address space that is loaded here, if any, and a reference of it. Stays while threads
  // without a process run. Others may look (is a wakeup worth while?), atomically.
  Mm* loaded = nullptr;
  // References to drop once the switch that loaded another one is over.
  Mm* unloaded = nullptr;
  // What the hypervisor switches to on a trap from user mode.
  uint64_t kernel_stack = 0;
  vcpu_info_t* vcpu_info = nullptr;
  // Event channels; 0: none.
  evtchn_port_t reschedule_port = 0;
  evtchn_port_t timer_port = 0;
};

// Processors that run, 1 .. kMaxCpus.
unsigned cpu_count();
Cpu& cpu_of(unsigned id);

}  // namespace kernel
