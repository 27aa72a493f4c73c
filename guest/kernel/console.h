// The console: lines of the kernel, and bytes of processes.
#pragma once

#include <stddef.h>

namespace kernel {

void console_write(const char* text, size_t byte_count);
// One message of up to 511 characters, written in one piece.
[[gnu::format(printf, 1, 2)]] void console_print(const char* format, ...);

}  // namespace kernel
