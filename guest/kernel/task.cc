#include "task.h"

#include "base/frame.h"
#include "mm/mm.h"
#include "panic.h"
#include "spinlock.h"

namespace kernel {
namespace {

using pvmmu::kPageSize;

// The list of unused tasks, by the tasks' `next`; the last one freed is used first, so that its
// warm stack is too.
constinit Spinlock lock;
constinit Task tasks[kMaxTasks];
constinit Task* unused = nullptr;
constinit unsigned in_use = 0;
constinit unsigned stack_count = 0;
constinit uint32_t next_id = 1;

}  // namespace

void tasks_start(void* stacks, unsigned count) {
  kernel_assert(count <= kMaxTasks, "too many stacks");
  stack_count = count;
  const auto base = reinterpret_cast<uint64_t>(stacks);
  for (unsigned i = count; i > 0; --i) {
    Task& task = tasks[i - 1];
    task.stack_top = base + i * kStackPages * kPageSize;
    task.next = unused;
    unused = &task;
  }
}

void tasks_guard_stacks() {
  const auto first = reinterpret_cast<std::byte*>(tasks[0].stack_top - kStackPages * kPageSize);
  mm_unmap_kernel_pages(first, kStackPages * kPageSize, stack_count);
}

Task* task_alloc() {
  SpinlockGuard guard(lock);
  Task* task = unused;
  if (task == nullptr) {
    return nullptr;
  }
  unused = task->next;
  ++in_use;
  const uint64_t stack_top = task->stack_top;
  *task = Task();
  task->stack_top = stack_top;
  task->id = next_id++;
  return task;
}

void task_free(Task& task) {
  SpinlockGuard guard(lock);
  kernel_assert(!task.running, "the task that is freed runs");
  task.state = TaskState::kUnused;
  task.next = unused;
  unused = &task;
  --in_use;
}

unsigned tasks_in_use() {
  SpinlockGuard guard(lock);
  return in_use;
}

}  // namespace kernel
