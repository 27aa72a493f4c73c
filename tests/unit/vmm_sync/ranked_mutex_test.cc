#include "sync/ranked_mutex.h"

#include <gtest/gtest.h>

#include <condition_variable>

namespace vmm {
namespace {

RankedMutex<LockRank::kDomain> domain;
RankedMutex<LockRank::kTimers> timers;
RankedMutex<LockRank::kWake> wake;

TEST(RankedMutexTest, InOrderIsFine) {
  std::lock_guard first(domain);
  std::lock_guard second(timers);
  std::lock_guard third(wake);
}

TEST(RankedMutexTest, WhatWasGivenBackDoesNotCount) {
  { std::lock_guard inner(wake); }
  std::unique_lock outer(domain);
  outer.unlock();
  outer.lock();
  std::lock_guard inner(timers);
}

TEST(RankedMutexDeathTest, OutOfOrderEndsTheProcess) {
  EXPECT_DEATH(
      {
        std::lock_guard inner(timers);
        std::lock_guard outer(domain);
      },
      "lock order: rank 0 taken");
}

TEST(RankedMutexDeathTest, TwoOfARankAreOutOfOrder) {
  RankedMutex<LockRank::kWake> other;
  EXPECT_DEATH(
      {
        std::lock_guard one(wake);
        std::lock_guard two(other);
      },
      "lock order");
}

TEST(RankedMutexTest, WaitingOnAConditionGivesItBack) {
  std::condition_variable_any never;
  std::unique_lock lock(wake);
  EXPECT_FALSE(never.wait_for(lock, std::chrono::milliseconds(1), [] { return false; }));
  EXPECT_TRUE(lock.owns_lock());
}

}  // namespace
}  // namespace vmm
