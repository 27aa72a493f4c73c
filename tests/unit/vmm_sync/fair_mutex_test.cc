#include "sync/fair_mutex.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace vmm {
namespace {

TEST(FairMutexTest, OneAtATime) {
  FairMutex mutex;
  int inside = 0;
  uint64_t total = 0;
  const auto work = [&] {
    for (int i = 0; i < 2'000; ++i) {
      std::lock_guard lock(mutex);
      EXPECT_EQ(++inside, 1);
      ++total;
      --inside;
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(total, 8'000u);
  EXPECT_FALSE(mutex.contended());
}

// A holder that lets go and takes it again at once is served after the one who waits.
TEST(FairMutexTest, TheWaiterIsNext) {
  FairMutex mutex;
  mutex.lock();
  bool was_in = false;
  std::thread waiter([&] {
    std::lock_guard lock(mutex);
    was_in = true;
  });
  while (!mutex.contended()) std::this_thread::yield();
  mutex.unlock();
  mutex.lock();
  EXPECT_TRUE(was_in);
  mutex.unlock();
  waiter.join();
}

}  // namespace
}  // namespace vmm
