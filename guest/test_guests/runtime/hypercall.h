// Hypercalls of the test guests, through the hypercall page.
#pragma once

#include <stdint.h>

#include "abi/xen.h"

namespace test_guest {

// The present numbers of calls whose public names depend on the interface version.
inline constexpr unsigned kSchedOp = 29;
inline constexpr unsigned kEventChannelOp = 32;
inline constexpr unsigned kPhysdevOp = 33;

extern "C" char hypercall_page[];

inline int64_t hypercall(unsigned number, uint64_t arg1 = 0, uint64_t arg2 = 0, uint64_t arg3 = 0,
                         uint64_t arg4 = 0, uint64_t arg5 = 0) {
  int64_t result;
  register uint64_t r10 asm("r10") = arg4;
  register uint64_t r8 asm("r8") = arg5;
  asm volatile("call *%[slot]"
               : "=a"(result), "+D"(arg1), "+S"(arg2), "+d"(arg3), "+r"(r10), "+r"(r8)
               : [slot] "r"(hypercall_page + number * 32)
               : "memory", "rcx", "r11", "r9");
  return result;
}

inline uint64_t address_of(const void* pointer) {
  return reinterpret_cast<uint64_t>(pointer);
}

// Ends the guest; reason is SHUTDOWN_*.
[[noreturn]] inline void shut_down(unsigned reason) {
  sched_shutdown_t request = {.reason = reason};
  for (;;) hypercall(kSchedOp, SCHEDOP_shutdown, address_of(&request));
}

}  // namespace test_guest
