// The order in which threads run, and in which sleepers wake.
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "sched/run_queue.h"

namespace kernel {
namespace {

TEST(RunQueue, FirstComeFirstServed) {
  RunQueue queue;
  Task tasks[3];
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(nullptr, queue.pop());
  for (Task& task : tasks) {
    queue.push(task);
  }
  EXPECT_EQ(&tasks[0], queue.pop());
  queue.push(tasks[0]);
  EXPECT_EQ(&tasks[1], queue.pop());
  EXPECT_EQ(&tasks[2], queue.pop());
  EXPECT_EQ(&tasks[0], queue.pop());
  EXPECT_TRUE(queue.empty());
  queue.push(tasks[2]);
  EXPECT_EQ(&tasks[2], queue.pop());
}

std::vector<const Task*> due(SleepQueue& queue) {
  std::vector<const Task*> tasks;
  while (const Task* task = queue.next_due()) {
    tasks.push_back(task);
  }
  return tasks;
}

TEST(SleepQueue, WakesByTimeThenByArrival) {
  SleepQueue queue;
  Task late, early, same_as_early;
  queue.add(late, 3);
  queue.add(early, 1);
  queue.add(same_as_early, 1);
  EXPECT_TRUE(due(queue).empty());
  queue.tick();
  EXPECT_EQ((std::vector<const Task*>{&early, &same_as_early}), due(queue));
  queue.tick();
  EXPECT_TRUE(due(queue).empty());
  queue.tick();
  EXPECT_EQ((std::vector<const Task*>{&late}), due(queue));
  EXPECT_TRUE(queue.empty());
}

TEST(SleepQueue, OneThatIsRemovedDoesNotWake) {
  SleepQueue queue;
  Task first, second, stranger;
  queue.add(first, 1);
  queue.add(second, 1);
  queue.remove(first);
  queue.remove(stranger);
  queue.tick();
  EXPECT_EQ((std::vector<const Task*>{&second}), due(queue));
}

TEST(SleepQueue, ForeverDoesNotWrap) {
  SleepQueue queue;
  Task task;
  queue.tick();
  queue.add(task, UINT64_MAX);
  queue.tick();
  EXPECT_TRUE(due(queue).empty());
  Task now;
  queue.add(now, 0);
  EXPECT_EQ((std::vector<const Task*>{&now}), due(queue));
}

}  // namespace
}  // namespace kernel
