#include "panic.h"

#include <stdarg.h>

#include "abi/xen.h"
#include "arch/cpu.h"
#include "console.h"
#include "format.h"

namespace kernel {

void panic(const char* format, ...) {
  char message[512];
  va_list arguments;
  va_start(arguments, format);
  format_text(message, sizeof(message), format, arguments);
  va_end(arguments);
  console_print("kernel panic on vCPU %u: %s\n", current_cpu(), message);
  arch_shutdown(SHUTDOWN_crash);
}

}  // namespace kernel
