// What a vCPU does in a round: one of these.
#pragma once

#include "random_hostile/cpu.h"

namespace random_hostile {

using Action = void (*)(Cpu& cpu);

// trees.cc: frames become tables, tables become frames.
void build_tree(Cpu& cpu);      // plausible tables of up to three levels, then a pin
void build_root(Cpu& cpu);      // and an L4 table above them, to run on
void release_frames(Cpu& cpu);  // unpins some, makes them ordinary memory again
void map_boot_table(Cpu& cpu);  // a table in use; writable, that is a violation if it comes about
void go_home(Cpu& cpu);         // back to the start-of-day root and the window's own table

// stores.cc
void store_to_tables(Cpu& cpu);  // of every width and kind, to live tables: emulated, or a fault
void store_storm(Cpu& cpu);      // many stores and loads while the other vCPU changes the mappings

// lists.cc
void one_call(Cpu& cpu);
void multicall(Cpu& cpu);    // of good calls, in good memory
void wild_list(Cpu& cpu);    // of calls, requests or operations wherever a random address leads
void shared_list(Cpu& cpu);  // that the other vCPU rewrites meanwhile
void self_mapping_list(Cpu& cpu);  // whose requests change where it lies

// processor.cc
void bad_handlers(Cpu& cpu);       // trap tables and callbacks of nonsense
void enter_user(Cpu& cpu);         // on whatever user base pointer there is
void return_with_flags(Cpu& cpu);  // iret to the kernel with random flags
void use_descriptors(Cpu& cpu);    // of a table in frames that others change
void privileged_instruction(Cpu& cpu);
void raw_gate(Cpu& cpu);  // `syscall` with numbers that no hypercall page has

// scheduling.cc
void block_for_timer(Cpu& cpu);
void stop_other(Cpu& cpu);  // VCPUOP_down and up
void wild_vcpu(Cpu& cpu);   // VCPUOP_initialise with contexts of nonsense

// After every action: a vCPU that was stopped goes on.
void wake_stopped(Cpu& cpu);

}  // namespace random_hostile
