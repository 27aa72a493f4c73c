// Where the hypervisor shall enter the kernel, as linear addresses.
#pragma once

#include <stdint.h>

namespace kernel {

struct ExceptionEntry {
  uint64_t vector;
  uint64_t address;  // 0: end of the list
};

struct EntryPoints {
  const ExceptionEntry* exceptions;
  uint64_t syscall;
  uint64_t event;
  uint64_t failsafe;
  uint64_t secondary;  // another processor's first instruction
};

EntryPoints entry_points();

}  // namespace kernel
