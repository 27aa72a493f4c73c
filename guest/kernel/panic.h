// The end of a kernel that found itself broken: a message on the console, then a crash shutdown,
// for which the VMM reports registers and backtrace.
//
// Only for broken invariants of the kernel. What a process does wrong never panics.
#pragma once

namespace kernel {

// printf's conversions as far as format.h knows them.
[[noreturn, gnu::format(printf, 1, 2)]] void panic(const char* format, ...);

// Panics with the place unless the condition holds.
inline void kernel_assert(bool condition, const char* what, const char* file = __builtin_FILE(),
                          int line = __builtin_LINE()) {
  if (!condition) [[unlikely]] {
    panic("%s:%d: %s", file, line, what);
  }
}

}  // namespace kernel
