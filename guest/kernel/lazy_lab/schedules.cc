#include "lazy_lab/schedules.h"

#include <optional>

#include "arch/cpu.h"
#include "lazy_lab/bench.h"
#include "mm/pv/lazy_section.h"
#include "mm/pv/vcpu_state.h"
#include "panic.h"
#include "sched/events.h"
#include "sched/scheduler.h"

namespace kernel::lazy_lab {
namespace {

using guest_abi::LazySchedule;

// What an interrupt's handler does, beside asking for another thread.
enum class InHandler : uint8_t { kNothing, kChange, kSection };

constinit InHandler in_handler = InHandler::kNothing;
constinit SparePage* handlers_page = nullptr;
constinit SparePage* missing_page = nullptr;
constinit unsigned faults = 0;
constinit bool other_has_ended = false;

constexpr unsigned kMostFaults = 2;

// An event arrives at once, as if a processor had sent it, and its upcall is taken here.
void be_interrupted() {
  events_restore(0);
  send_reschedule(this_cpu());
  events_save();
}

// The end of an interrupt that asked for another thread, in a kernel that preempts itself.
void be_preempted() {
  be_interrupted();
  sched_preempt();
}

// Runs while the first thread is in its section, and knows nothing of it.
void run_other(void*) {
  SparePage alone;
  SparePage inside;
  alone.change();
  alone.must_be_changed("the other thread's change is not made when it goes on");
  {
    LazyMode section;
    inside.change();
    sched_yield();
  }
  inside.must_be_changed("the other thread's section has ended without its change");
  other_has_ended = true;
}

void start_other() {
  Task* other = sched_start_kernel_thread(run_other, nullptr, guest_abi::Operation::kNone);
  kernel_assert(other != nullptr, "no task for the laboratory");
}

void wait_for_other() {
  while (!other_has_ended) {
    sched_yield();
  }
}

void nest() {
  SparePage before;
  SparePage inside;
  SparePage after;
  {
    LazyMode outer;
    before.change();
    {
      LazyMode inner;
      inside.change();
    }
    inside.must_be_changed("the inner section has ended without its change");
    before.must_be_changed("the inner section has ended, and an older change waits");
    after.change();
  }
  after.must_be_changed("the section has ended without its change");
}

// The section that `let_go` gives up the processor in.
void in_a_section(bool nested, void (*let_go)()) {
  SparePage before;
  SparePage after;
  start_other();
  {
    LazyMode section;
    std::optional<LazyMode> inner;
    if (nested) {
      inner.emplace();
    }
    before.change();
    let_go();
    before.must_be_changed("other threads have run, and a change from before waits");
    after.change();
  }
  after.must_be_changed("the section has ended without its change");
  wait_for_other();
}

void sleep() {
  sched_sleep(3);
}

void with_interrupt(InHandler what) {
  SparePage handlers;
  SparePage before;
  SparePage after;
  handlers_page = &handlers;
  in_handler = what;
  {
    LazyMode section;
    before.change();
    be_interrupted();
    after.change();
  }
  in_handler = InHandler::kNothing;
  handlers_page = nullptr;
  before.must_be_changed("the section has ended without a change");
  after.must_be_changed("the section has ended without its change");
}

void with_fault() {
  SparePage missing;
  SparePage before;
  missing.take_away();
  missing_page = &missing;
  {
    LazyMode section;
    before.change();
    missing.touch();
  }
  missing_page = nullptr;
  before.must_be_changed("the section has ended without its change");
}

}  // namespace

void play(LazySchedule schedule) {
  switch (schedule) {
    case LazySchedule::kNone:
      return;
    case LazySchedule::kNest:
      return nest();
    case LazySchedule::kPreempt:
      return in_a_section(false, be_preempted);
    case LazySchedule::kPreemptNested:
      return in_a_section(true, be_preempted);
    case LazySchedule::kSleep:
      return in_a_section(false, sleep);
    case LazySchedule::kInterrupt:
      return with_interrupt(InHandler::kChange);
    case LazySchedule::kInterruptNested:
      return with_interrupt(InHandler::kSection);
    case LazySchedule::kFault:
      return with_fault();
  }
}

void interrupted() {
  if (in_handler == InHandler::kNothing) {
    return;
  }
  std::optional<LazyMode> section;
  if (in_handler == InHandler::kSection) {
    section.emplace();
  }
  handlers_page->change();
  section.reset();
  handlers_page->must_be_changed("the interrupt's change is not made when it goes on");
}

// The handler that needs its change at once says so in the only way that the rules have for it. If
// the access comes back all the same, it helps itself.
bool repair(uint64_t address) {
  if (missing_page == nullptr || !missing_page->contains(address)) {
    return false;
  }
  lazy_pause();
  missing_page->give_back();
  lazy_resume();
  if (++faults == kMostFaults) {
    found("the access faults again: the change that repairs it waits");
    pv_this_vcpu().queue.flush(multicall::FlushReason::kExplicit);
  }
  return true;
}

}  // namespace kernel::lazy_lab
