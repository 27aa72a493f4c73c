#include "process.h"

#include "accelerator/driver.h"
#include "accounting.h"
#include "arch/context.h"
#include "arch/cpu.h"
#include "boot/first_process.h"
#include "console.h"
#include "linux_errno.h"
#include "mm/mm.h"
#include "panic.h"
#include "percpu.h"
#include "process_table.h"
#include "sched/scheduler.h"
#include "spinlock.h"

namespace kernel {
namespace {

Task& current_task() {
  return *this_cpu().current;
}
Process& current_process() {
  return *current_task().process;
}

// A thread for `process`, not running yet; nullptr: all tasks are in use.
Task* make_thread(Process& process, const TrapFrame& frame) {
  Task* task = task_alloc();
  if (task != nullptr) {
    task->process = &process;
    task->first_operation = Operation::kUser;
    context_prepare(*task, &frame);
  }
  return task;
}

void wake_waiters(Process& process) {
  for (Task* task = process.threads; task != nullptr; task = task->next_in_process) {
    if (task->waits_for_child) {
      sched_wake(*task);
    }
  }
}

// With the table's lock.
void kill_process(Process& process, uint32_t code) {
  if (!process.exit_code_final) {
    process.exit_code = code;
    process.exit_code_final = true;
  }
  for (Task* task = process.threads; task != nullptr; task = task->next_in_process) {
    __atomic_store_n(&task->killed, true, __ATOMIC_RELEASE);
    sched_wake(*task);
  }
  sched_interrupt(process);
}

// True if the caller was the process's last thread.
bool leave_process(Process& process, Task& task, uint32_t code) {
  SpinlockGuard guard(process_table_lock());
  Task** place = &process.threads;
  while (*place != &task) {
    place = &(*place)->next_in_process;
  }
  *place = task.next_in_process;
  if (process.leader == &task) {
    process.leader = nullptr;
    if (!process.exit_code_final) {
      process.exit_code = code;
    }
  }
  return --process.thread_count == 0;
}

// The last thread's duty: this processor leaves the address space before the reference goes, so
// that it is taken down here and now, unless other processors still idle on it.
void leave_mm(Mm& mm) {
  if (this_cpu().loaded == &mm) {
    sched_unload_mm();
  }
  sched_ask_unload(&mm);
}

// With the table's lock.
void kill_everybody() {
  unsigned alive = 0;
  for (Process* other = process_next(nullptr); other != nullptr; other = process_next(other)) {
    if (!other->zombie) {
      kill_process(*other, kKilledByShutdown);
      ++alive;
    }
  }
  if (alive != 0) {
    console_print("pid 1 ended before %u other processes, which are killed\n", alive);
  }
}

// Hands the ended process to its parent, or forgets it if there is none.
void become_zombie(Process& process) {
  SpinlockGuard guard(process_table_lock());
  process.zombie = true;
  process_orphan_children(process);
  Process* parent = process.parent;
  if (process.pid == kInitPid) {
    process_table_set_init_code(process.exit_code);
    kill_everybody();
  }
  if (parent == nullptr) {
    process_free(process);
  } else {
    process_move_to_zombies(process);
    wake_waiters(*parent);
  }
  process_table_wake_waiter();
}

// The first child that has ended, taken off its parent. Blocks, unless there is none to come.
int64_t take_zombie(Process& process, uint32_t& pid, uint32_t& code) {
  Task& task = current_task();
  for (;;) {
    {
      SpinlockGuard guard(process_table_lock());
      task.waits_for_child = false;
      if (Process* child = process.zombies) {
        pid = child->pid;
        code = child->exit_code;
        process.zombies = child->next;
        process_free(*child);
        return 0;
      }
      if (process.children == nullptr) {
        return -kEchild;
      }
      if (__atomic_load_n(&task.killed, __ATOMIC_ACQUIRE)) {
        return -kEintr;
      }
      task.waits_for_child = true;
      sched_prepare_to_block();
    }
    sched_switch();
  }
}

// Marks the caller's other threads as killed and wakes them. True: one of them was not yet.
bool kill_other_threads(Process& process) {
  bool any = false;
  for (Task* task = process.threads; task != nullptr; task = task->next_in_process) {
    if (task != &current_task() && !__atomic_exchange_n(&task->killed, true, __ATOMIC_ACQ_REL)) {
      sched_wake(*task);
      any = true;
    }
  }
  return any;
}

// Ends the caller's other threads, and waits until they have left. False: the caller is killed.
// A thread that is killed looks before it enters user mode, so one interruption is enough for it;
// and the wait pauses without a lock, or those that are to leave might never get one.
bool become_only_thread(Process& process) {
  for (;;) {
    {
      SpinlockGuard guard(process_table_lock());
      // Perhaps by another thread that does the same: the first one wins.
      if (__atomic_load_n(&current_task().killed, __ATOMIC_ACQUIRE)) {
        return false;
      }
      if (process.thread_count == 1) {
        process.leader = &current_task();
        return true;
      }
      if (kill_other_threads(process)) {
        sched_interrupt(process);
      }
    }
    cpu_pause();
    sched_yield();
  }
}

// This processor leaves `mm` for the next one before the thread's reference goes.
void replace_mm(Process& process, Mm& next) {
  Mm& before = *process.mm;
  process.mm = &next;
  sched_load_mm(next);
  sched_ask_unload(&before);
  mm_put(before);
}

}  // namespace

bool process_start_first(Mm& mm, const TrapFrame& frame) {
  Process* process = process_alloc(mm, nullptr);
  Task* task = process != nullptr ? make_thread(*process, frame) : nullptr;
  if (task == nullptr) {
    return false;
  }
  kernel_assert(process->pid == kInitPid, "the first process is not the first");
  process_add_thread(*process, *task);
  sched_add(*task);
  return true;
}

int64_t process_fork(const TrapFrame& frame) {
  Process& parent = current_process();
  Mm* mm = mm_fork(*parent.mm);
  if (mm == nullptr) {
    return -kEnomem;
  }
  TrapFrame child_frame = frame;
  child_frame.set_syscall_result(0);
  Process* child = process_alloc(*mm, &parent);
  Task* task = child != nullptr ? make_thread(*child, child_frame) : nullptr;
  if (task == nullptr) {
    if (child != nullptr) {
      process_abandon(*child);
    }
    mm_put(*mm);
    return -kEagain;
  }
  const uint32_t pid = child->pid;
  task->fault_handler = current_task().fault_handler;
  process_add_thread(*child, *task);
  sched_add(*task);
  return pid;
}

int64_t process_exec(TrapFrame& frame) {
  ImageInfo info{};
  Mm* mm = nullptr;
  if (const int64_t error = load_program(mm, info); error != 0) {
    return error;
  }
  Process& process = current_process();
  if (!become_only_thread(process)) {
    mm_put(*mm);
    return -kEintr;
  }
  current_task().fault_handler = 0;
  accelerator_forget(current_task());
  replace_mm(process, *mm);
  frame = program_start_frame(info);
  return 0;
}

int64_t process_create_thread(uint64_t entry, uint64_t stack_top, uint64_t argument) {
  Process& process = current_process();
  const uint64_t arguments[3] = {argument, 0, 0};
  Task* task = make_thread(process, user_start_frame(entry, stack_top, arguments));
  if (task == nullptr) {
    return -kEagain;
  }
  const uint32_t id = task->id;
  task->fault_handler = current_task().fault_handler;
  mm_get(*process.mm);
  process_add_thread(process, *task);
  sched_add(*task);
  return id;
}

int64_t process_wait(uint64_t status_address) {
  uint32_t pid = 0;
  uint32_t code = 0;
  Process& process = current_process();
  if (const int64_t error = take_zombie(process, pid, code); error != 0) {
    return error;
  }
  const auto status = static_cast<int32_t>(code);
  if (status_address != 0 &&
      copy_to_user(*process.mm, status_address, &status, sizeof(status)) != 0) {
    return -kEfault;
  }
  return pid;
}

void process_exit_thread(uint32_t code) {
  accounting_set_operation(Operation::kExit);
  Task& task = current_task();
  Process& process = *task.process;
  Mm& mm = *process.mm;
  accelerator_forget(task);
  const bool last = leave_process(process, task, code);
  if (last) {
    leave_mm(mm);
  }
  task.process = nullptr;
  mm_put(mm);
  if (last) {
    become_zombie(process);
  }
  sched_end();
}

void process_kill_current(uint32_t code) {
  SpinlockGuard guard(process_table_lock());
  kill_process(current_process(), code);
}

int64_t process_shutdown(uint32_t code) {
  if (code == 0 && current_process().pid != kInitPid) {
    return -kEperm;
  }
  SpinlockGuard guard(process_table_lock());
  // Without it, the others are being killed already.
  if (Process* init = process_find_init()) {
    kill_process(*init, code);
  }
  kill_process(current_process(), code);
  return 0;
}

uint32_t process_current_pid() {
  return current_process().pid;
}

Mm& current_mm() {
  return *current_process().mm;
}

void process_before_user_mode() {
  for (;;) {
    if (__atomic_load_n(&current_task().killed, __ATOMIC_ACQUIRE)) {
      process_exit_thread(current_process().exit_code);
    }
    if (!__atomic_load_n(&this_cpu().need_resched, __ATOMIC_ACQUIRE)) {
      mm_before_events_open();
      return;
    }
    sched_preempt();
  }
}

}  // namespace kernel
