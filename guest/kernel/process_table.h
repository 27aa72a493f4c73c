// The table of all processes and the family tree, for process.cc alone.
//
// Every function but process_alloc, process_add_thread and process_abandon wants the table's lock
// held by the caller. An orphan has no parent: it is forgotten when it ends.
#pragma once

#include "process.h"
#include "spinlock.h"
#include "task.h"

namespace kernel {

Spinlock& process_table_lock();

// A child of `parent` (null: the first process) without threads; takes over the reference of `mm`.
// nullptr: the table is full, or the first process has ended.
Process* process_alloc(Mm& mm, Process* parent);
// Undoes process_alloc; the reference of the Mm is the caller's again.
void process_abandon(Process& process);
// A thread of a process that is being killed is killed as well.
void process_add_thread(Process& process, Task& task);

void process_free(Process& process);
void process_move_to_zombies(Process& process);
// Forgets the children that have ended; the others become orphans.
void process_orphan_children(Process& process);
// nullptr: the first process has ended.
Process* process_find_init();
// Goes through all processes in use: the one after `process`, the first for null.
Process* process_next(Process* process);

void process_table_set_init_code(uint32_t code);
// Tells the thread in process_wait_for_all() that a process has ended.
void process_table_wake_waiter();

}  // namespace kernel
