// What the assembly and the linker script define.
#pragma once

#include <stdint.h>

#include "arch/entry_points.h"

namespace kernel {

extern "C" {

extern const ExceptionEntry exception_entries[];

void syscall_entry();
void event_entry();
void failsafe_entry();
void secondary_entry();
void thread_entry();
void context_switch_stacks(uint64_t* save, uint64_t next);

extern char boot_stack_top[];
extern char image_start_symbol[];
extern char constants_start_symbol[];
extern char data_start_symbol[];
extern char image_end_symbol[];

}  // extern "C"

inline uint64_t address_of_code(void (*function)()) {
  return reinterpret_cast<uint64_t>(function);
}

}  // namespace kernel
