// The accelerator's driver: commands of processes, the answers to the device's faults, and the
// notifiers by which the device lets go of what changes.
//
// The device is started with the first command; until then none of this costs a hypercall. A thread
// of the kernel answers what the device reports. A process has a context once it has submitted a
// command, until its address space goes.
//
// Lock order: context.h. Nothing here is called with a lock held, but for accelerator_event().
#pragma once

#include <stdint.h>

#include "abi/xen.h"
#include "task.h"

namespace kernel {

// --- system calls (semantics in guest_abi/syscall.h) ---

struct DeviceRequest {
  uint64_t operation = 0;
  uint64_t address = 0;
  uint64_t source = 0;
  uint64_t byte_count = 0;
  uint64_t value = 0;
  uint64_t desired = 0;
};
int64_t accelerator_submit(const DeviceRequest& request);
int64_t accelerator_wait();

// The thread will never wait for what it submitted: it ends, or its program does.
void accelerator_forget(const Task& task);

// The event channel that the device raises; 0: it was not started.
evtchn_port_t accelerator_port();
// It was raised. In an event upcall.
void accelerator_event();

// What is in use: when no process is left, only the threads may be.
struct AcceleratorUse {
  unsigned threads = 0;
  uint64_t contexts = 0;
  uint64_t commands = 0;
  uint64_t pages = 0;
  bool any() const { return (contexts | commands | pages) != 0; }
};
AcceleratorUse accelerator_use();

}  // namespace kernel
