#include "console.h"

#include <stdarg.h>

#include "arch/hypercall.h"
#include "format.h"

namespace kernel {

void console_write(const char* text, size_t byte_count) {
  // A console that takes nothing is no reason to stop, and there is nowhere to complain.
  (void)hypercall_console_write(text, static_cast<unsigned>(byte_count));
}

void console_print(const char* format, ...) {
  char message[512];
  va_list arguments;
  va_start(arguments, format);
  const size_t length = format_text(message, sizeof(message), format, arguments);
  va_end(arguments);
  console_write(message, length);
}

}  // namespace kernel
