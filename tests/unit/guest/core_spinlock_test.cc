// Spinlocks: who may take and release them, and that a waiter gets its turn.
#include <gtest/gtest.h>

#include "core_fake_machine.h"
#include "spinlock.h"

namespace kernel::test {
namespace {

class SpinlockTest : public testing::Test {
 protected:
  void SetUp() override { set_current_cpu(0); }
  void TearDown() override {
    set_current_cpu(0);
    set_spin_hook(nullptr);
  }
};

TEST_F(SpinlockTest, KnowsItsHolder) {
  Spinlock lock;
  EXPECT_FALSE(lock.held());
  lock.lock();
  EXPECT_TRUE(lock.held());
  EXPECT_TRUE(lock.held_here());
  set_current_cpu(1);
  EXPECT_FALSE(lock.held_here());
  EXPECT_FALSE(lock.try_lock());
  set_current_cpu(0);
  lock.unlock();
  EXPECT_FALSE(lock.held());
}

TEST_F(SpinlockTest, ABugOfTheHolderPanics) {
  Spinlock lock;
  EXPECT_THROW(lock.unlock(), Panic);
  lock.lock();
  EXPECT_THROW(lock.lock(), Panic);
  set_current_cpu(1);
  EXPECT_THROW(lock.unlock(), Panic);
}

Spinlock* contended = nullptr;

TEST_F(SpinlockTest, AWaiterGetsItWhenItIsReleased) {
  Spinlock lock;
  contended = &lock;
  set_current_cpu(1);
  lock.lock();
  set_current_cpu(0);
  static unsigned turns;
  turns = 0;
  set_spin_hook([](unsigned round) {
    EXPECT_EQ(turns, round);
    if (++turns == 5) {
      set_current_cpu(1);
      contended->unlock();
      set_current_cpu(0);
    }
  });
  lock.lock();
  EXPECT_EQ(5u, turns);
  EXPECT_TRUE(lock.held_here());
}

TEST_F(SpinlockTest, AGuardReleasesAtItsEnd) {
  Spinlock lock;
  {
    SpinlockGuard guard(lock);
    EXPECT_TRUE(lock.held_here());
  }
  EXPECT_FALSE(lock.held());
}

}  // namespace
}  // namespace kernel::test
