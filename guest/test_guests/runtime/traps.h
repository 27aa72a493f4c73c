// Traps of the test guests: a table of handlers, and calls that survive a trap.
#pragma once

#include <stdint.h>

#include "runtime/stack.h"

namespace test_guest {

struct TrapFrame {
  uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
  uint64_t vector, error;
  uint64_t rip, cs, rflags, rsp, ss;
};

// Vectors of no exception, by which the callbacks come to the same handler.
inline constexpr uint64_t kEventVector = 32, kFailsafeVector = 33, kSyscallVector = 34;

// Registers handlers for all exceptions: 0 or -errno.
int64_t register_traps();
// Registers the callbacks as well. An event is counted, and leaves events masked; the other two
// are traps like the exceptions.
int64_t register_callbacks();

const char* trap_name(uint64_t vector);

// Calls do not nest: the inner one takes the way out of the outer one.
extern "C" bool guarded_call(void (*function)(void*), void* argument);
Trap last_trap();  // on this stack

// Calls the function object; a trap in it ends the call and is returned.
template <typename Function>
Trap attempt(Function function) {
  const auto call = [](void* object) { (*static_cast<Function*>(object))(); };
  if (!guarded_call(call, &function)) return {};
  return last_trap();
}

}  // namespace test_guest
