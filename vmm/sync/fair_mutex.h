// A mutex that its waiters get in the order in which they came, so that a holder who gives it up
// and takes it again lets in whoever waits.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace vmm {

class FairMutex;

// Where one host thread plays several, none of them may block it.
class LockWaiter {
 public:
  // Lets the others go on until nobody has the mutex.
  virtual void wait_until_free(const FairMutex& mutex) = 0;

 protected:
  ~LockWaiter() = default;
};

class FairMutex {
 public:
  // Before anybody uses it.
  void set_waiter(LockWaiter* waiter) { waiter_ = waiter; }
  void lock() {
    if (waiter_ != nullptr) waiter_->wait_until_free(*this);
    std::unique_lock guard(guard_);
    const uint64_t mine = next_.fetch_add(1, std::memory_order_relaxed);
    turn_.wait(guard, [&] { return serving_.load(std::memory_order_relaxed) == mine; });
  }
  void unlock() {
    bool waited_for;
    {
      std::lock_guard guard(guard_);
      serving_.fetch_add(1, std::memory_order_relaxed);
      waited_for =
          serving_.load(std::memory_order_relaxed) != next_.load(std::memory_order_relaxed);
    }
    if (waited_for) turn_.notify_all();
  }
  // A hint, but where one thread plays all.
  bool taken() const {
    return next_.load(std::memory_order_relaxed) != serving_.load(std::memory_order_relaxed);
  }
  // Whether somebody waits behind the holder, who asks. A hint: it may be old.
  bool contended() const {
    return next_.load(std::memory_order_relaxed) - serving_.load(std::memory_order_relaxed) > 1;
  }

 private:
  LockWaiter* waiter_ = nullptr;
  std::mutex guard_;
  std::condition_variable turn_;
  std::atomic<uint64_t> next_{0};     // written under guard_
  std::atomic<uint64_t> serving_{0};  // likewise
};

}  // namespace vmm
