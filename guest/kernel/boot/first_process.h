// The kernel thread that starts the first process, waits for the last one, and ends the guest.
#pragma once

#include <stddef.h>

#include <span>

namespace kernel {

// Starts it. The program is the boot module.
void start_first_process(std::span<const std::byte> program);

// The interpreter, an ELF image inside the kernel's (interpreter_image.S).
std::span<const std::byte> interpreter_image();

}  // namespace kernel
