#include "machine/timer_queue.h"

#include <chrono>
#include <utility>

namespace vmm {

TimerQueue::TimerQueue(unsigned vcpu_count, Clock& clock, std::function<void(VcpuId)> expired)
    : clock_(clock), expired_(std::move(expired)), deadlines_(vcpu_count) {}

TimerQueue::~TimerQueue() {
  stop();
}

void TimerQueue::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void TimerQueue::set_timer(VcpuId vcpu, uint64_t deadline) {
  std::lock_guard lock(mutex_);
  if (stopping_) return;
  deadlines_[vcpu_index(vcpu)] = deadline;
  if (!thread_.joinable()) thread_ = std::thread([this] { serve(); });
  changed_.notify_all();
}

void TimerQueue::stop_timer(VcpuId vcpu) {
  std::lock_guard lock(mutex_);
  deadlines_[vcpu_index(vcpu)].reset();
}

bool TimerQueue::any_armed() {
  std::lock_guard lock(mutex_);
  return earliest().has_value();
}

std::optional<unsigned> TimerQueue::earliest() const {
  std::optional<unsigned> first;
  for (unsigned i = 0; i < deadlines_.size(); ++i) {
    if (deadlines_[i] && (!first || *deadlines_[i] < *deadlines_[*first])) first = i;
  }
  return first;
}

void TimerQueue::serve() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto next = earliest();
    if (!next) {
      changed_.wait(lock);
      continue;
    }
    const uint64_t now = clock_.now();
    const uint64_t deadline = *deadlines_[*next];
    if (deadline > now) {
      // A far deadline is waited for in parts, so that no duration overflows.
      const uint64_t wait = std::min<uint64_t>(deadline - now, 1'000'000'000);
      changed_.wait_for(lock, std::chrono::nanoseconds(wait));
      continue;
    }
    deadlines_[*next].reset();
    lock.unlock();
    expired_(VcpuId{*next});
    lock.lock();
  }
}

}  // namespace vmm
