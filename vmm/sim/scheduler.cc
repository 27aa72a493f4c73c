#include "sim/scheduler.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <utility>

namespace vmm {
namespace {

// Sanitizers need several times the stack.
constexpr size_t kStackBytes = 1 << 20;
constexpr size_t kGuardBytes = 4096;
constexpr uint64_t kNanosecondsPerEntry = 1000;
constexpr uint64_t kEntriesBetweenLooks = 256;
constexpr unsigned kSliceOfOne = 4096;
constexpr unsigned kLongestSlice = 64;

Scheduler* current = nullptr;  // for the first instruction of a fiber

}  // namespace

absl::StatusOr<std::unique_ptr<Scheduler::Turn>> Scheduler::create_turn() {
  auto stack = HostPages::create(kStackBytes);
  if (!stack.ok()) return stack.status();
  stack->close(0, kGuardBytes);
  auto turn = std::make_unique<Turn>(*this, *std::move(stack));
  register_turn(*turn);
  return turn;
}

void Scheduler::begin_turn() {
  Turn& self = *current->running_;
  self.body_();
  current->finish(self);
  std::abort();
}

void Scheduler::go_on(Fiber& from, Turn& turn) {
  current = this;
  running_ = &turn;
  from.switch_to(turn.fiber_);
}

// The host's fiber comes back here when all turns have ended, none can go on, or the run is over.
void Scheduler::drive(const std::function<bool()>& over) {
  over_ = &over;
  while (!over()) {
    if (Turn* turn = choose()) {
      go_on(host_, *turn);
      if (stopped_) break;
    } else if (std::all_of(turns_.begin(), turns_.end(), [](Turn* t) { return t->ended_; })) {
      break;
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  stopped_ = true;
}

Scheduler::Turn* Scheduler::choose() {
  for (;;) {
    Turn* able[8];
    unsigned count = 0;
    for (Turn* turn : turns_) {
      if (count < std::size(able) && turn->can_go_on(time_.now())) able[count++] = turn;
    }
    if (count == 1) return able[0];
    if (count != 0) return able[random_.below(count)];
    std::optional<uint64_t> next = time_.next_deadline();
    for (const Turn* turn : turns_) {
      if (turn->started_ && !turn->ended_ && turn->deadline_) {
        next = next ? std::min(*next, *turn->deadline_) : turn->deadline_;
      }
    }
    if (!next) return nullptr;
    time_.advance(*next > time_.now() ? *next - time_.now() : 0);
  }
}

bool Scheduler::before_entry(Turn& self) {
  if (stopped_) return false;
  time_.advance(kNanosecondsPerEntry);
  if (++entries_ % kEntriesBetweenLooks == 0 && (*over_)()) {
    stopped_ = true;
    self.fiber_.switch_to(host_);
    return false;
  }
  maybe_give_way(self);
  return !stopped_;
}

unsigned Scheduler::slice() {
  return turns_.size() == 1 ? kSliceOfOne : 1 + static_cast<unsigned>(random_.below(kLongestSlice));
}

// Comes back when this turn is chosen again, or ended by the host's fiber.
void Scheduler::give_way(Turn& self) {
  if (stopped_) return;
  Turn* next = choose();
  if (next == &self) return;
  if (next == nullptr) {
    self.fiber_.switch_to(host_);
  } else {
    go_on(self.fiber_, *next);
  }
}

void Scheduler::finish(Turn& self) {
  self.ended_ = true;
  Turn* next = stopped_ ? nullptr : choose();
  if (next == nullptr) {
    self.fiber_.switch_to(host_);
  } else {
    go_on(self.fiber_, *next);
  }
}

// The body looks whether the domain stops each time it goes on.
void Scheduler::run_to_end(Turn& turn) {
  stopped_ = true;
  while (turn.started_ && !turn.ended_) go_on(host_, turn);
}

void Scheduler::Turn::start(std::function<void()> body) {
  body_ = std::move(body);
  fiber_.prepare(stack_.base(), stack_.size(), begin_turn);
  started_ = true;
}

void Scheduler::Turn::join() {
  scheduler_.run_to_end(*this);
}

void Scheduler::Turn::wait(DomainLock& lock, std::optional<uint64_t> deadline) {
  lock.unlock();
  deadline_ = deadline;
  wait_for_wake();
  deadline_.reset();
  lock.lock();
}

void Scheduler::Turn::wait_for_wake() {
  waiting_ = true;
  scheduler_.give_way(*this);
  waiting_ = false;
  wake_requested_ = false;
}

void Scheduler::Turn::yield(DomainLock& lock) {
  lock.unlock();
  scheduler_.give_way(*this);
  lock.lock();
}

}  // namespace vmm
