// Switching between threads: their kernel stacks and where they begin.
#pragma once

#include "arch/trap_frame.h"
#include "task.h"

namespace kernel {

// Makes `task` begin in thread_begin() when it is first switched to. With a frame, it then enters
// user mode with these registers; without, thread_begin() must not return.
void context_prepare(Task& task, const TrapFrame* user_frame);
// Leaves `from` and goes on where `to` was left; returns when `from` is switched to again.
void context_switch(Task& from, Task& to);
// The thread that runs becomes the one whose stack traps from user mode use.
void context_use_kernel_stack(uint64_t stack_top);

// The scheduler's: first thing that a new thread does.
extern "C" void thread_begin();

}  // namespace kernel
