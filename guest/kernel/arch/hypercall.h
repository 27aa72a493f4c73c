// The way to the hypervisor: one raw call, and typed wrappers for the calls of the kernel's core.
//
// Results are those of Xen's interface: a value, or a negative errno. Nothing here queues: requests
// that change page tables at run time go through the memory manager's queue.
#pragma once

#include <stdint.h>

#include "abi/xen.h"
#include "arch/memory.h"
#include "base/frame.h"

namespace kernel {

// Makes hypercall `op` now.
extern "C" int64_t arch_hypercall(uint64_t op, const uint64_t (&args)[6]);

template <typename... Args>
inline int64_t hypercall(uint64_t op, Args... args) {
  static_assert(sizeof...(args) <= 6);
  const uint64_t all[6] = {static_cast<uint64_t>(args)...};
  return arch_hypercall(op, all);
}

inline uint64_t hypercall_pointer(const void* pointer) {
  return pointer == nullptr ? 0 : linear_address(pointer);
}

inline int64_t hypercall_mmu_update(const mmu_update_t* requests, unsigned count) {
  return hypercall(__HYPERVISOR_mmu_update, hypercall_pointer(requests), count, 0, DOMID_SELF);
}
inline int64_t hypercall_update_va_mapping(uint64_t address, uint64_t entry, uint64_t flags) {
  return hypercall(__HYPERVISOR_update_va_mapping, address, entry, flags);
}
inline int64_t hypercall_set_trap_table(const trap_info_t* table) {
  return hypercall(__HYPERVISOR_set_trap_table, hypercall_pointer(table));
}
inline int64_t hypercall_callback_register(const callback_register_t& callback) {
  return hypercall(__HYPERVISOR_callback_op, CALLBACKOP_register, hypercall_pointer(&callback));
}
inline int64_t hypercall_stack_switch(uint64_t stack_selector, uint64_t stack_top) {
  return hypercall(__HYPERVISOR_stack_switch, stack_selector, stack_top);
}
inline int64_t hypercall_set_segment_base(unsigned which, uint64_t base) {
  return hypercall(__HYPERVISOR_set_segment_base, which, base);
}
inline int64_t hypercall_sched_op(unsigned command, const void* argument) {
  return hypercall(__HYPERVISOR_sched_op, command, hypercall_pointer(argument));
}
inline int64_t hypercall_event_channel_op(unsigned command, void* argument) {
  return hypercall(__HYPERVISOR_event_channel_op, command, hypercall_pointer(argument));
}
inline int64_t hypercall_vcpu_op(unsigned command, unsigned vcpu, const void* argument) {
  return hypercall(__HYPERVISOR_vcpu_op, command, vcpu, hypercall_pointer(argument));
}
inline int64_t hypercall_set_timer(uint64_t system_time_ns) {
  return hypercall(__HYPERVISOR_set_timer_op, system_time_ns);
}
inline int64_t hypercall_console_write(const char* text, unsigned byte_count) {
  return hypercall(__HYPERVISOR_console_io, CONSOLEIO_write, byte_count, hypercall_pointer(text));
}
inline int64_t hypercall_memory_op(unsigned command, void* argument) {
  return hypercall(__HYPERVISOR_memory_op, command, hypercall_pointer(argument));
}

}  // namespace kernel
