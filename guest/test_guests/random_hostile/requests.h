// Random hypercalls that can stand alone or in a multicall: a number and its arguments.
#pragma once

#include <stdint.h>

#include "random_hostile/cpu.h"

namespace random_hostile {

struct Request {
  unsigned number = 0;
  uint64_t arguments[6] = {};
};

// Makes one call of a fixed number, with its structures among the vCPU's argument pages. The call
// may succeed or not, but does not end the guest, block it or take its handlers away.
using RequestMaker = Request (*)(Cpu& cpu);

Request make_mmu_update(Cpu& cpu);
Request make_mmuext_op(Cpu& cpu);
Request make_va_mapping(Cpu& cpu);
Request make_update_descriptor(Cpu& cpu);
Request make_set_gdt(Cpu& cpu);
Request make_nested_multicall(Cpu& cpu);

Request make_debug_register(Cpu& cpu);
Request make_segment_base(Cpu& cpu);
Request make_console_io(Cpu& cpu);
Request make_xen_version(Cpu& cpu);
Request make_memory_op(Cpu& cpu);
Request make_vm_assist(Cpu& cpu);
Request make_physdev_op(Cpu& cpu);
Request make_event_channel_op(Cpu& cpu);
Request make_sched_op(Cpu& cpu);
Request make_vcpu_op(Cpu& cpu);
Request make_timer(Cpu& cpu);
Request make_private(Cpu& cpu);
Request make_accelerator(Cpu& cpu);
Request make_unknown(Cpu& cpu);

// One request of an mmu_update or mmuext_op array. `shared` operations are written by both vCPUs at
// once, so that fields of two may mix: then none that is dangerous in any mixture.
void fill_update(Random& random, mmu_update_t& update);
void fill_operation(Cpu& cpu, mmuext_op_t& operation, bool shared);

// By weight, page tables foremost.
Request random_request(Cpu& cpu);
int64_t make_call(Cpu& cpu, const Request& request);
// The entry of a multicall list.
multicall_entry_t list_entry(const Request& request);

}  // namespace random_hostile
