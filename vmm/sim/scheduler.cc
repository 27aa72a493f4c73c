#include "sim/scheduler.h"

#include <algorithm>
#include <bit>
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
// With a policy: requests are looked at one by one, entries of a table in lots.
constexpr uint64_t kFirstSteps = 16;
constexpr uint32_t kStepsBetweenPoints = 128;

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
  HeldLocks::start();
  self.body_();
  current->finish(self);
  std::abort();
}

void Scheduler::go_on(Fiber& from, Turn& turn) {
  current = this;
  running_ = &turn;
  const HeldLocks held;
  from.switch_to(*turn.left_);
  held.restore();
}

// The host's fiber comes back here when all turns have ended, none can go on, or the run is over.
void Scheduler::drive(const std::function<bool()>& over) {
  over_ = &over;
  while (!over()) {
    if (Turn* turn = choose({PointKind::wait})) {
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

Scheduler::Turn* Scheduler::choose(const SchedulePoint& point) {
  for (;;) {
    uint32_t able = 0;
    for (unsigned i = 0; i < turns_.size(); ++i) {
      if (turns_[i]->can_go_on(time_.now())) able |= 1u << i;
    }
    if (able != 0) return choose_of(able, point);
    std::optional<uint64_t> next = time_.next_deadline();
    for (const Turn* turn : turns_) {
      if (turn->started_ && !turn->ended_ && turn->deadline_) {
        next = next ? std::min(*next, *turn->deadline_) : turn->deadline_;
      }
    }
    if (!next) {
      if (explored() && !(*over_)()) policy_->stuck();
      return nullptr;
    }
    time_.advance(*next > time_.now() ? *next - time_.now() : 0);
  }
}

Scheduler::Turn* Scheduler::choose_of(uint32_t able, const SchedulePoint& point) {
  if (explored() && running_ != nullptr) {
    return turns_[policy_->choose(point, number_of(*running_), able)];
  }
  const auto count = static_cast<unsigned>(std::popcount(able));
  for (uint64_t skip = count == 1 ? 0 : random_.below(count); skip != 0; --skip) able &= able - 1;
  return turns_[static_cast<unsigned>(std::countr_zero(able))];
}

unsigned Scheduler::number_of(const Turn& turn) const {
  return static_cast<unsigned>(std::find(turns_.begin(), turns_.end(), &turn) - turns_.begin());
}

bool Scheduler::before_entry(Turn& self) {
  if (stopped_) return false;
  time_.advance(kNanosecondsPerEntry);
  if (++entries_ % kEntriesBetweenLooks == 0 && (*over_)()) {
    stopped_ = true;
    leave_for(self, self.fiber_, nullptr);
    return false;
  }
  explored() ? give_way(self, {PointKind::enter}) : give_way_by_chance(self);
  return !stopped_;
}

void Scheduler::after_exit(Turn& self, bool relaxes) {
  if (!explored()) return give_way_by_chance(self);
  give_way(self, {relaxes ? PointKind::relax : PointKind::leave});
}

bool Scheduler::others_wait() {
  if (running_ == nullptr || turns_.size() == 1) return false;
  if (!explored()) return random_.one_in(2);
  if (stopped_) return false;
  Turn* const next = choose({PointKind::piece});
  chosen_ = next == running_ ? nullptr : next;
  return chosen_ != nullptr;
}

uint32_t Scheduler::steps_between_points(uint64_t steps) {
  return steps < kFirstSteps ? 1 : kStepsBetweenPoints;
}

void Scheduler::at_point(Turn& self, Fiber& from, const SchedulePoint& point) {
  if (!stopped_) leave_for(self, from, choose(point));
}

void Scheduler::at(WorkPoint point) {
  if (running_ == nullptr || stopped_ || !explored()) return;
  Turn& self = *running_;
  constexpr PointKind kKinds[] = {PointKind::compare_exchange, PointKind::flush, PointKind::kick};
  working_ = &self;  // so that nobody is chosen who waits for the lock
  leave_for(self, self.fiber_, choose({kKinds[static_cast<unsigned>(point)]}));
  working_ = nullptr;
}

// Also when the run is over: whoever works goes on until it gives the lock up.
void Scheduler::wait_until_free(const FairMutex& lock) {
  while (lock.taken() && working_ != nullptr && running_ != nullptr) {
    Turn& self = *running_;
    self.wants_lock_ = true;
    leave_for(self, self.fiber_, stopped_ ? working_ : choose({PointKind::domain_lock}));
    self.wants_lock_ = false;
  }
}

unsigned Scheduler::slice() {
  if (explored()) return 0;  // a program stops at points, and where it waits
  return turns_.size() == 1 ? kSliceOfOne : 1 + static_cast<unsigned>(random_.below(kLongestSlice));
}

// Comes back when this turn is chosen again, or ended by the host's fiber.
void Scheduler::give_way(Turn& self, const SchedulePoint& point) {
  if (!stopped_) leave_for(self, self.fiber_, choose(point));
}

// nullptr: the host's fiber goes on.
void Scheduler::leave_for(Turn& self, Fiber& from, Turn* next) {
  if (next == &self) return;
  self.left_ = &from;
  if (next == nullptr) {
    const HeldLocks held;
    from.switch_to(host_);
    held.restore();
  } else {
    go_on(from, *next);
  }
  self.left_ = &self.fiber_;
}

void Scheduler::finish(Turn& self) {
  self.ended_ = true;
  leave_for(self, self.fiber_, stopped_ ? nullptr : choose({PointKind::end}));
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
  waiting_ = true;
  scheduler_.give_way(*this, {PointKind::wait});
  waiting_ = false;
  deadline_.reset();
  lock.lock();
  wake_requested_ = false;  // until here it counts as woken
}

void Scheduler::Turn::wait_for_wake() {
  waiting_ = true;
  scheduler_.give_way(*this, {PointKind::wait});
  waiting_ = false;
  wake_requested_ = false;
}

void Scheduler::Turn::pause(DeviceStep step) {
  scheduler_.explored() ? scheduler_.give_way(*this, {device_point(step)})
                        : scheduler_.give_way_by_chance(*this);
}

void Scheduler::Turn::yield(DomainLock& lock) {
  lock.unlock();
  if (Turn* const chosen = std::exchange(scheduler_.chosen_, nullptr)) {
    scheduler_.leave_for(*this, fiber_, chosen);
  } else {
    scheduler_.give_way(*this, {PointKind::relax});
  }
  lock.lock();
}

}  // namespace vmm
