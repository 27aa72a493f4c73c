// Which thread runs on which processor.
//
// One run queue, one lock, held across the switch itself, so that a thread found runnable has
// really left its processor. Threads are switched by events (yield, block, sleep, exit) and, on
// the way to user mode, when need_resched asks. Scheduling events are counted; sleepers wait for
// counts. A processor without a thread to run idles: it stays on the address space that it has,
// until it is woken for nothing.
//
// Nothing here may be called with any lock held but the process table's where it says so.
#pragma once

#include "percpu.h"
#include "task.h"

namespace kernel {

// The caller becomes the idle thread of this processor. Once for each processor.
void sched_start_cpu(Task& idle);
[[noreturn]] void sched_idle_loop();

// A thread made by context_prepare() may run from now on. The process table's lock may be held.
void sched_add(Task& task);
// Ends a block or sleep; does nothing to a thread that is runnable. As sched_add.
void sched_wake(Task& task);

void sched_yield();
// The thread that runs will block at the next sched_switch(), unless it is woken before. The
// process table's lock may be held.
void sched_prepare_to_block();
// Lets another thread run, if there is one.
void sched_switch();
// Blocks until `events` scheduling events have passed, or the thread is killed.
void sched_sleep(uint64_t events);
[[noreturn]] void sched_end();
// Yields if somebody asked for it.
void sched_preempt();

// Puts this processor on an address space, of which it takes a reference. A switch to a thread of a
// process does so by itself.
void sched_load_mm(Mm& mm);
// The address space of this processor gives way to none; its reference is dropped.
void sched_unload_mm();
// Makes other processors that idle on `mm` (or on any, if null) drop it soon.
void sched_ask_unload(Mm* mm);
bool sched_any_loaded_elsewhere();
// Makes processors that run threads of a process look at `killed`.
void sched_interrupt(const Process& process);

// A thread of the kernel itself. Null: no task is left.
Task* sched_start_kernel_thread(void (*body)(void*), void* argument,
                                guest_abi::Operation operation);

}  // namespace kernel
