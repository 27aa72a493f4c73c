// The program that processes run, and the kernel thread that starts the first process, waits for
// the last one, and ends the guest.
#pragma once

#include <stddef.h>

#include <span>

#include "arch/trap_frame.h"
#include "mm/mm.h"

namespace kernel {

// Starts it. The program is the boot module.
void start_first_process(std::span<const std::byte> program);

// A fresh address space with the interpreter and the program. Returns 0, -ENOMEM, -ENOEXEC or
// -E2BIG; on failure there is none.
int64_t load_program(Mm*& mm, ImageInfo& info);
// Where and with which arguments its first thread starts.
TrapFrame program_start_frame(const ImageInfo& info);

// The interpreter, an ELF image inside the kernel's (interpreter_image.S).
std::span<const std::byte> interpreter_image();

}  // namespace kernel
