#include "process_table.h"

#include "panic.h"
#include "percpu.h"
#include "sched/scheduler.h"

namespace kernel {
namespace {

constinit Spinlock lock;
constinit Process processes[kMaxTasks];
constinit unsigned in_use = 0;
constinit uint32_t next_pid = kInitPid;
constinit Task* waiter = nullptr;
constinit bool init_ended = false;
constinit uint32_t init_code = 0;

Process* find_unused() {
  for (Process& process : processes) {
    if (process.pid == 0) {
      return &process;
    }
  }
  return nullptr;
}

void remove(Process*& list, Process& process) {
  Process** place = &list;
  while (*place != &process) {
    kernel_assert(*place != nullptr, "a process is not among its parent's children");
    place = &(*place)->next;
  }
  *place = process.next;
  process.next = nullptr;
}

}  // namespace

Spinlock& process_table_lock() {
  return lock;
}

Process* process_alloc(Mm& mm, Process* parent) {
  SpinlockGuard guard(lock);
  Process* process = init_ended ? nullptr : find_unused();
  if (process == nullptr) {
    return nullptr;
  }
  *process = Process();
  process->pid = next_pid++;
  process->mm = &mm;
  process->parent = parent;
  if (parent != nullptr) {
    process->next = parent->children;
    parent->children = process;
  }
  ++in_use;
  return process;
}

void process_abandon(Process& process) {
  SpinlockGuard guard(lock);
  if (process.parent != nullptr) {
    remove(process.parent->children, process);
  }
  process_free(process);
}

void process_add_thread(Process& process, Task& task) {
  SpinlockGuard guard(lock);
  task.killed = process.exit_code_final;
  task.next_in_process = process.threads;
  process.threads = &task;
  if (process.thread_count == 0) {
    process.leader = &task;
  }
  ++process.thread_count;
}

void process_free(Process& process) {
  kernel_assert(process.threads == nullptr, "a process with threads is forgotten");
  process = Process();
  --in_use;
}

void process_move_to_zombies(Process& process) {
  remove(process.parent->children, process);
  Process** last = &process.parent->zombies;
  while (*last != nullptr) {
    last = &(*last)->next;
  }
  *last = &process;
}

void process_orphan_children(Process& process) {
  while (Process* child = process.zombies) {
    process.zombies = child->next;
    process_free(*child);
  }
  while (Process* child = process.children) {
    process.children = child->next;
    child->next = nullptr;
    child->parent = nullptr;
  }
}

Process* process_find_init() {
  for (Process& process : processes) {
    if (process.pid == kInitPid && !process.zombie) {
      return &process;
    }
  }
  return nullptr;
}

Process* process_next(Process* process) {
  Process* const end = processes + kMaxTasks;
  for (Process* next = process == nullptr ? processes : process + 1; next != end; ++next) {
    if (next->pid != 0) {
      return next;
    }
  }
  return nullptr;
}

void process_table_set_init_code(uint32_t code) {
  init_ended = true;
  init_code = code;
}

void process_table_wake_waiter() {
  if (waiter != nullptr) {
    sched_wake(*waiter);
  }
}

uint32_t process_wait_for_all() {
  for (;;) {
    {
      SpinlockGuard guard(lock);
      if (in_use == 0) {
        waiter = nullptr;
        return init_code;
      }
      waiter = this_cpu().current;
      sched_prepare_to_block();
    }
    sched_switch();
  }
}

}  // namespace kernel
