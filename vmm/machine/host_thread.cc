#include "machine/host_thread.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace vmm {

HostThread::~HostThread() {
  join();
}

void HostThread::start(std::function<void()> body) {
  thread_ = std::thread(std::move(body));
}

void HostThread::join() {
  if (thread_.joinable()) thread_.join();
}

void HostThread::wake() {
  {
    std::lock_guard lock(mutex_);
    wake_requested_ = true;
  }
  woken_.notify_all();
}

bool HostThread::wake_requested() {
  std::lock_guard lock(mutex_);
  return wake_requested_;
}

void HostThread::wait(DomainLock& lock, std::optional<uint64_t> deadline) {
  lock.unlock();
  {
    std::unique_lock wake_lock(mutex_);
    const auto requested = [this] { return wake_requested_; };
    if (deadline) {
      const uint64_t now = clock_.now();
      const uint64_t left = *deadline > now ? *deadline - now : 0;
      woken_.wait_for(wake_lock, std::chrono::nanoseconds(std::min<uint64_t>(left, 1'000'000'000)),
                      requested);
    } else {
      woken_.wait(wake_lock, requested);
    }
  }
  lock.lock();
  // Not before: until then whoever has the lock must see that this thread is about to go on.
  std::lock_guard wake_lock(mutex_);
  wake_requested_ = false;
}

void HostThread::yield(DomainLock& lock) {
  lock.unlock();
  std::this_thread::yield();
  lock.lock();
}

}  // namespace vmm
