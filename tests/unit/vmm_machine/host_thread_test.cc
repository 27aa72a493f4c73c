// A vCPU's thread, and what others may see of it while it waits.
#include "machine/host_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "machine/host_clock.h"

namespace vmm {
namespace {

// One who is woken has to wait for the lock before it goes on. Whoever has the lock meanwhile must
// not take it for one that nobody has woken: the domain would be ended for want of anybody who
// runs.
TEST(HostThread, IsWokenUntilItGoesOn) {
  HostClock clock(0);
  HostThread thread(clock);
  DomainMutex mutex;
  std::atomic<bool> waits{false}, went_on{false};
  thread.start([&] {
    DomainLock lock(mutex);
    waits = true;
    thread.wait(lock, std::nullopt);
    went_on = true;
  });
  while (!waits) std::this_thread::yield();
  {
    DomainLock lock(mutex);  // it waits, or this would not get the lock
    thread.wake();
    for (int i = 0; i < 50; ++i) {
      EXPECT_TRUE(thread.wake_requested());
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_FALSE(went_on);
  }
  thread.join();
  EXPECT_FALSE(thread.wake_requested());
}

}  // namespace
}  // namespace vmm
