// The stacks of a test guest. Each is kStackSize bytes long and as much aligned, and its lowest
// bytes hold what belongs to the processor that runs on it: so a processor finds it by rsp alone,
// whatever happened to its segments.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace test_guest {

inline constexpr uint64_t kStackSize = 32768;  // entry.S and guarded_call.S know it as well

struct Trap {
  bool happened = false;
  uint64_t vector = 0;
  uint64_t error = 0;
  uint64_t rip = 0;
};

struct StackHead {
  uint64_t way_out_rip;  // set by guarded_call while there is a way out, else 0
  uint64_t way_out_rsp;
  uint64_t cpu;
  uint64_t event_count;
  Trap last_trap;
};
static_assert(offsetof(StackHead, way_out_rip) == 0 && offsetof(StackHead, way_out_rsp) == 8,
              "guarded_call.S");

inline StackHead& stack_head() {
  uint64_t rsp;
  asm volatile("mov %%rsp, %0" : "=r"(rsp));
  return *reinterpret_cast<StackHead*>(rsp & ~(kStackSize - 1));
}

}  // namespace test_guest
