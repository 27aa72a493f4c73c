#include "sched/run_queue.h"

namespace kernel {

void RunQueue::push(Task& task) {
  task.next = nullptr;
  if (last_ == nullptr) {
    first_ = &task;
  } else {
    last_->next = &task;
  }
  last_ = &task;
}

Task* RunQueue::pop() {
  Task* task = first_;
  if (task == nullptr) {
    return nullptr;
  }
  first_ = task->next;
  if (first_ == nullptr) {
    last_ = nullptr;
  }
  task->next = nullptr;
  return task;
}

// Sorted by time; those with the same time stay in order of arrival.
void SleepQueue::add(Task& task, uint64_t events) {
  const uint64_t limit = UINT64_MAX - now_;
  task.wake_event = now_ + (events < limit ? events : limit);
  Task** place = &first_;
  while (*place != nullptr && (*place)->wake_event <= task.wake_event) {
    place = &(*place)->next;
  }
  task.next = *place;
  *place = &task;
}

void SleepQueue::remove(Task& task) {
  for (Task** place = &first_; *place != nullptr; place = &(*place)->next) {
    if (*place == &task) {
      *place = task.next;
      task.next = nullptr;
      return;
    }
  }
}

Task* SleepQueue::next_due() {
  Task* task = first_;
  if (task == nullptr || task->wake_event > now_) {
    return nullptr;
  }
  first_ = task->next;
  task->next = nullptr;
  return task;
}

}  // namespace kernel
