// The threads that want to run, in order of arrival; and those that sleep, by time of waking.
//
// Time is counted in scheduling events, so that it passes the same way in every run. No locks: the
// scheduler's lock guards it. A task is in at most one of the two lists.
#pragma once

#include <stdint.h>

#include "task.h"

namespace kernel {

class RunQueue {
 public:
  constexpr RunQueue() = default;

  bool empty() const { return first_ == nullptr; }
  void push(Task& task);
  // The one that waits longest, or nullptr.
  Task* pop();

 private:
  Task* first_ = nullptr;
  Task* last_ = nullptr;
};

class SleepQueue {
 public:
  constexpr SleepQueue() = default;

  bool empty() const { return first_ == nullptr; }
  uint64_t now() const { return now_; }
  // `task` sleeps until `events` more events have passed.
  void add(Task& task, uint64_t events);
  void remove(Task& task);
  // One event has passed. Then next_due() gives, one by one, who wakes; nullptr: no more.
  void tick() { ++now_; }
  Task* next_due();

 private:
  uint64_t now_ = 0;
  Task* first_ = nullptr;
};

}  // namespace kernel
