// Callbacks: after their hypercall, in order, exactly once, and free to use the queue.
#include <gtest/gtest.h>

#include <functional>
#include <list>

#include "fake_sink.h"
#include "multicall/queue.h"

namespace multicall {
namespace {

class QueueCallbacks : public ::testing::Test {
 protected:
  // Defers `work`, which learns nothing but when it is called.
  void defer(std::function<void()> work) {
    work_.push_back(std::move(work));
    queue_.callback([](void* f) { (*static_cast<std::function<void()>*>(f))(); }, &work_.back());
  }
  void defer_mark(int number) {
    defer([this, number] { order_.push_back(number); });
  }
  void queue_one() { queue_.queue_va_mapping(0x1000, 0, 0); }

  FakeSink sink_;
  Queue<FakeSink> queue_{sink_};
  std::vector<int> order_;

 private:
  std::list<std::function<void()>> work_;
};

TEST_F(QueueCallbacks, RunAfterTheHypercallInOrderOnce) {
  queue_.batch();
  for (int i = 0; i < 10; ++i) {
    queue_one();
    defer([this, i] {
      EXPECT_EQ(sink_.hypercalls, 1u);
      EXPECT_EQ(queue_.entry_count(), 0u);
      order_.push_back(i);
    });
  }
  EXPECT_TRUE(order_.empty());
  queue_.issue(Issue::kNow);
  EXPECT_EQ(order_, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  queue_.flush(FlushReason::kExplicit);
  EXPECT_EQ(order_.size(), 10u);
  EXPECT_EQ(sink_.callbacks, 10u);
}

TEST_F(QueueCallbacks, WithNothingQueuedRunAtOnce) {
  queue_.batch();
  defer_mark(1);
  EXPECT_EQ(order_, std::vector<int>{1});
  queue_.issue(Issue::kNow);
  EXPECT_EQ(sink_.hypercalls, 0u);
}

TEST_F(QueueCallbacks, RunAlsoWhenAnEntryFailed) {
  sink_.result_of_op[__HYPERVISOR_update_va_mapping] = -22;
  queue_.batch();
  queue_one();
  defer([this] {
    EXPECT_EQ(sink_.failures.size(), 1u);  // reported before
    order_.push_back(1);
  });
  queue_.issue(Issue::kNow);
  EXPECT_EQ(order_, std::vector<int>{1});
}

TEST_F(QueueCallbacks, MayQueueAndAreFollowed) {
  queue_.batch();
  queue_one();
  defer([this] {
    order_.push_back(1);
    queue_one();
    defer([this] {
      EXPECT_EQ(sink_.hypercalls, 2u);
      order_.push_back(3);
    });
  });
  defer_mark(2);
  queue_.issue(Issue::kNow);
  EXPECT_EQ(order_, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(sink_.hypercalls, 2u);
  EXPECT_TRUE(queue_.empty());
}

TEST_F(QueueCallbacks, MayFlushAndKeepTheOrder) {
  queue_.batch();
  queue_one();
  defer([this] {
    order_.push_back(1);
    queue_one();
    defer_mark(4);
    queue_.flush(FlushReason::kExplicit);
    order_.push_back(5);
  });
  defer_mark(2);
  defer_mark(3);
  queue_.issue(Issue::kNow);
  EXPECT_EQ(order_, (std::vector<int>{1, 2, 3, 4, 5}));
  EXPECT_TRUE(queue_.empty());
}

TEST_F(QueueCallbacks, AddedByACallbackWithAnEmptyQueueWaitTheirTurn) {
  queue_.batch();
  queue_one();
  defer([this] {
    order_.push_back(1);
    defer_mark(3);
  });
  defer_mark(2);
  queue_.issue(Issue::kNow);
  EXPECT_EQ(order_, (std::vector<int>{1, 2, 3}));
}

TEST_F(QueueCallbacks, OneMoreThanTheLimitFlushesFirst) {
  queue_.batch();
  queue_one();
  for (int i = 0; i < 32; ++i) {
    defer_mark(i);
  }
  EXPECT_EQ(sink_.hypercalls, 0u);
  queue_.room(1, 0, 0);
  EXPECT_EQ(sink_.hypercalls, 0u);
  queue_.room(1, 0, 1);
  EXPECT_EQ(sink_.hypercalls, 1u);
  EXPECT_EQ(sink_.flushes[FlushReason::kCallbacks], 1u);
  EXPECT_EQ(order_.size(), 32u);
  queue_.issue(Issue::kNow);
}

TEST_F(QueueCallbacks, ACallbackThatAddsMoreThanFits) {
  queue_.set_limits({4, 64});
  queue_.batch();
  queue_one();
  defer([this] {
    for (int i = 0; i < 20; ++i) {
      queue_one();
      defer_mark(i);
    }
  });
  queue_.issue(Issue::kNow);
  ASSERT_EQ(order_.size(), 20u);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(order_[static_cast<size_t>(i)], i);
  }
  EXPECT_EQ(sink_.calls.size(), 21u);
}

TEST_F(QueueCallbacks, UnbatchedRunRightAfterTheirCall) {
  queue_.set_limits(kUnbatchedLimits);
  queue_.batch();
  queue_one();
  EXPECT_EQ(sink_.hypercalls, 1u);
  defer_mark(1);
  EXPECT_EQ(order_, std::vector<int>{1});
  queue_.issue(Issue::kLater);
}

}  // namespace
}  // namespace multicall
