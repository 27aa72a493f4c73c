#include "sched/scheduler.h"

#include "accounting.h"
#include "arch/context.h"
#include "mm/mm.h"
#include "panic.h"
#include "process.h"
#include "sched/events.h"
#include "sched/run_queue.h"
#include "spinlock.h"

namespace kernel {
namespace {

// Guards the queues, the idle mask, and of every task state, running, next and wake_event. Held
// from the choice of the next thread until that thread has the processor (finish_switch).
constinit Spinlock lock;
constinit RunQueue run_queue;
constinit SleepQueue sleepers;
constinit uint64_t idle_cpus = 0;

Task& current_task() {
  return *this_cpu().current;
}

// A processor that has nothing to do shall look at the queue.
void kick_an_idle_cpu() {
  const uint64_t others = idle_cpus & ~(uint64_t{1} << current_cpu());
  if (others == 0) {
    return;
  }
  const unsigned id = static_cast<unsigned>(__builtin_ctzll(others));
  idle_cpus &= ~(uint64_t{1} << id);
  send_reschedule(cpu_of(id));
}

// A thread that still runs stays where it is; it is queued when it makes way.
void make_runnable(Task& task) {
  task.state = TaskState::kRunnable;
  if (!task.running) {
    run_queue.push(task);
    kick_an_idle_cpu();
  }
}

void pass_event() {
  sleepers.tick();
  while (Task* task = sleepers.next_due()) {
    make_runnable(*task);
  }
}

void load_mm(Cpu& cpu, Mm& mm) {
  if (cpu.loaded == &mm) {
    return;
  }
  mm_get(mm);
  mm_activate(mm, cpu.id);
  cpu.unloaded = cpu.loaded;
  __atomic_store_n(&cpu.loaded, &mm, __ATOMIC_RELEASE);
}

// What is left to do for the thread that ran here before, and for its address space.
void finish_switch() {
  Cpu& cpu = this_cpu();
  Task* ended = cpu.ended;
  Mm* unloaded = cpu.unloaded;
  cpu.ended = nullptr;
  cpu.unloaded = nullptr;
  lock.unlock();
  if (ended != nullptr) {
    task_free(*ended);
  }
  if (unloaded != nullptr) {
    mm_put(*unloaded);
  }
  mm_switch_in(cpu.current->lazy);
}

void switch_to(Cpu& cpu, Task& previous, Task& next) {
  mm_switch_out(previous.lazy);
  accounting_count(&guest_abi::GuestCounters::context_switches);
  previous.running = false;
  next.running = true;
  cpu.current = &next;
  if (previous.state == TaskState::kEnded) {
    cpu.ended = &previous;
  }
  if (next.process != nullptr) {
    load_mm(cpu, *next.process->mm);
    context_use_kernel_stack(next.stack_top);
  }
  context_switch(previous, next);
  finish_switch();
}

// Enters with the lock held, leaves without. False: there is nothing else to run.
bool run_another() {
  Cpu& cpu = this_cpu();
  Task& previous = *cpu.current;
  pass_event();
  if (&previous != cpu.idle && previous.state == TaskState::kRunnable) {
    run_queue.push(previous);
  }
  Task* next = run_queue.pop();
  if (next == nullptr) {
    next = cpu.idle;
  }
  if (next == &previous) {
    lock.unlock();
    return false;
  }
  switch_to(cpu, previous, *next);
  return true;
}

// The idle thread's turn. True: another thread ran, or one will soon be due.
bool idle_turn() {
  OperationScope scope(Operation::kSchedule);
  lock.lock();
  const uint64_t self = uint64_t{1} << current_cpu();
  idle_cpus &= ~self;
  if (run_another()) {
    return true;
  }
  SpinlockGuard guard(lock);
  if (!run_queue.empty() || !sleepers.empty()) {
    return true;
  }
  idle_cpus |= self;
  return false;
}

}  // namespace

void sched_start_cpu(Task& idle) {
  Cpu& cpu = this_cpu();
  idle.state = TaskState::kRunnable;
  idle.running = true;
  cpu.idle = &idle;
  cpu.current = &idle;
}

void sched_idle_loop() {
  accounting_set_operation(Operation::kIdle);
  bool woken_for_nothing = false;
  for (;;) {
    if (idle_turn()) {
      woken_for_nothing = false;
      continue;
    }
    if (woken_for_nothing) {
      sched_unload_mm();
    }
    mm_before_events_open();
    wait_for_event();
    woken_for_nothing = true;
  }
}

void sched_add(Task& task) {
  SpinlockGuard guard(lock);
  make_runnable(task);
}

void sched_wake(Task& task) {
  SpinlockGuard guard(lock);
  if (task.state == TaskState::kSleeping) {
    sleepers.remove(task);
  } else if (task.state != TaskState::kBlocked) {
    return;
  }
  make_runnable(task);
}

void sched_yield() {
  sched_switch();
}

void sched_prepare_to_block() {
  SpinlockGuard guard(lock);
  current_task().state = TaskState::kBlocked;
}

void sched_switch() {
  OperationScope scope(Operation::kSchedule);
  lock.lock();
  run_another();
}

void sched_sleep(uint64_t events) {
  OperationScope scope(Operation::kSchedule);
  lock.lock();
  Task& task = current_task();
  if (!__atomic_load_n(&task.killed, __ATOMIC_ACQUIRE)) {
    task.state = TaskState::kSleeping;
    sleepers.add(task, events);
  }
  run_another();
}

void sched_end() {
  lock.lock();
  current_task().state = TaskState::kEnded;
  run_another();
  panic("a thread goes on after its end");
}

void sched_preempt() {
  if (__atomic_exchange_n(&this_cpu().need_resched, false, __ATOMIC_ACQ_REL)) {
    sched_yield();
  }
}

void sched_load_mm(Mm& mm) {
  Cpu& cpu = this_cpu();
  load_mm(cpu, mm);
  Mm* before = cpu.unloaded;
  cpu.unloaded = nullptr;
  if (before != nullptr) {
    mm_put(*before);
  }
}

void sched_unload_mm() {
  Cpu& cpu = this_cpu();
  Mm* mm = cpu.loaded;
  if (mm == nullptr) {
    return;
  }
  mm_deactivate(cpu.id);
  __atomic_store_n(&cpu.loaded, nullptr, __ATOMIC_RELEASE);
  mm_put(*mm);
}

void sched_ask_unload(Mm* mm) {
  for (unsigned id = 0; id < cpu_count(); ++id) {
    Cpu& cpu = cpu_of(id);
    Mm* loaded = __atomic_load_n(&cpu.loaded, __ATOMIC_ACQUIRE);
    if (id != current_cpu() && loaded != nullptr && (mm == nullptr || loaded == mm)) {
      send_reschedule(cpu);
    }
  }
}

bool sched_any_loaded_elsewhere() {
  for (unsigned id = 0; id < cpu_count(); ++id) {
    if (id != current_cpu() && __atomic_load_n(&cpu_of(id).loaded, __ATOMIC_ACQUIRE) != nullptr) {
      return true;
    }
  }
  return false;
}

void sched_interrupt(const Process& process) {
  SpinlockGuard guard(lock);
  for (unsigned id = 0; id < cpu_count(); ++id) {
    Cpu& cpu = cpu_of(id);
    if (id != current_cpu() && cpu.current != nullptr && cpu.current->process == &process) {
      send_reschedule(cpu);
    }
  }
}

Task* sched_start_kernel_thread(void (*body)(void*), void* argument,
                                guest_abi::Operation operation) {
  Task* task = task_alloc();
  if (task == nullptr) {
    return nullptr;
  }
  task->body = body;
  task->argument = argument;
  task->first_operation = operation;
  context_prepare(*task, nullptr);
  sched_add(*task);
  return task;
}

extern "C" void thread_begin() {
  finish_switch();
  Task& task = current_task();
  accounting_set_operation(task.first_operation);
  if (task.body != nullptr) {
    task.body(task.argument);
    sched_end();
  }
  process_before_user_mode();
}

}  // namespace kernel
