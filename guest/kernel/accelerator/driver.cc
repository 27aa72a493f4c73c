#include "accelerator/driver.h"

#include "accelerator/calls.h"
#include "accelerator/contexts.h"
#include "accounting.h"
#include "arch/cpu.h"
#include "linux_errno.h"
#include "mm/user_page.h"
#include "panic.h"
#include "percpu.h"
#include "process.h"
#include "sched/events.h"
#include "sched/scheduler.h"
#include "yield_point.h"

namespace kernel {
namespace {

using guest_abi::AcceleratorEvent;
using guest_abi::AcceleratorReport;
using guest_abi::kMaxCommands;

// By tag.
struct Command {
  bool used = false;
  bool ended = false;
  uint32_t context = 0;
  Task* owner = nullptr;  // none: nobody will wait for it
  uint64_t order = 0;     // in which commands were submitted
  int64_t error = 0;      // 0 or negative
  uint64_t result = 0;
};

constinit Spinlock lock;  // all of these
constinit Command commands[kMaxCommands];
constinit uint64_t submitted = 0;
constinit guest_abi::AcceleratorReports* reports = nullptr;
constinit Page* report_page = nullptr;
constinit evtchn_port_t port = 0;
constinit Task* thread = nullptr;

uint64_t pending_reports() {
  return __atomic_load_n(&reports->pending, __ATOMIC_ACQUIRE);
}

void clear_pending(unsigned tag) {
  __atomic_and_fetch(&reports->pending, ~(uint64_t{1} << tag), __ATOMIC_SEQ_CST);
}

// --- answering ---

// Looks the page up and establishes it; again, if it may have changed in between. 0 or an errno for
// the command.
unsigned answer_fault(AcceleratorContext& context, uint64_t address, bool write) {
  const ProtocolOps& protocol = secondary_protocol();
  for (unsigned round = 0;; ++round) {
    SecondaryFault fault;
    fault.address = address;
    protocol.begin(context, fault);
    Page* page = nullptr;
    const FaultResult found =
        get_user_page(*context.mm, address, write ? Access::kWrite : Access::kRead, page);
    if (found != FaultResult::kResolved) {
      protocol.give_up(context, fault);
      return found == FaultResult::kNoMemory ? kEnomem : kEfault;
    }
    yield_point(YieldPoint::page_found);
    cpu_pause();  // whoever changes the entry now must be noticed; the simulator lets others go
                  // first
    const Establish done = protocol.establish(context, fault, *page, write);
    if (done == Establish::kDone) {
      yield_point(YieldPoint::established);
      return 0;
    }
    frame_put(*page);
    if (done == Establish::kFailed) {
      return kEnomem;
    }
    yield_point(YieldPoint::retry);
    accounting_count(&guest_abi::GuestCounters::secondary_retries);
    spin_wait(round);
  }
}

void take_fault(const AcceleratorEvent& event) {
  AcceleratorContext* context = context_get(event.context);
  if (context == nullptr) {
    return;  // its address space goes, and its commands with it
  }
  const unsigned error = answer_fault(*context, event.address, event.write != 0);
  accelerator_call_resume(event.tag, context->id, error);
  mm_put(*context->mm);
}

// With the lock.
void take_end(const AcceleratorEvent& event) {
  Command& command = commands[event.tag];
  if (!command.used || command.context != event.context) {
    return;
  }
  command.ended = true;
  command.error = -static_cast<int64_t>(event.error);
  command.result = event.result;
  if (command.owner == nullptr) {
    command.used = false;
  } else {
    sched_wake(*command.owner);
  }
}

void take_report(unsigned tag) {
  AcceleratorEvent event;
  {
    SpinlockGuard guard(lock);
    clear_pending(tag);
    event = reports->events[tag];
    event.tag = tag;
    if (event.kind == AcceleratorReport::kEnd) {
      take_end(event);
    }
  }
  if (event.kind == AcceleratorReport::kFault) {
    take_fault(event);
  }
}

[[noreturn]] void answer_for_ever(void*) {
  for (;;) {
    while (const uint64_t pending = pending_reports()) {
      take_report(static_cast<unsigned>(__builtin_ctzll(pending)));
    }
    sched_prepare_to_block();
    if (pending_reports() != 0) {
      sched_wake(*this_cpu().current);
      continue;
    }
    sched_switch();
  }
}

// --- starting ---

// With the lock. 0 or a negative errno.
int64_t start_device() {
  if (port != 0) {
    return 0;
  }
  if (report_page == nullptr) {
    report_page = alloc_permanent_frame();
    if (report_page == nullptr) {
      return -kEnomem;
    }
    reports = static_cast<guest_abi::AcceleratorReports*>(address_of(*report_page));
  }
  if (thread == nullptr) {
    thread = sched_start_kernel_thread(answer_for_ever, nullptr, Operation::kDevice);
    if (thread == nullptr) {
      return -kEagain;
    }
  }
  const int64_t started = accelerator_call_start(mfn_of(*report_page));
  if (started < 0) {
    return started;
  }
  __atomic_store_n(&port, static_cast<evtchn_port_t>(started), __ATOMIC_RELEASE);
  events_open_port(port);
  return 0;
}

// --- commands ---

// With the lock; kMaxCommands: all are in use.
unsigned free_tag() {
  unsigned tag = 0;
  while (tag < kMaxCommands && commands[tag].used) {
    ++tag;
  }
  return tag;
}

int64_t submit(uint32_t context, const DeviceRequest& request) {
  SpinlockGuard guard(lock);
  const unsigned tag = free_tag();
  if (tag == kMaxCommands) {
    return -kEagain;
  }
  guest_abi::AcceleratorCommand command{};
  command.operation =
      request.operation < UINT32_MAX ? static_cast<uint32_t>(request.operation) : UINT32_MAX;
  command.tag = tag;
  command.context = context;
  command.address = request.address;
  command.source = request.source;
  command.byte_count = request.byte_count;
  command.value = request.value;
  command.desired = request.desired;
  commands[tag] = {true, false, context, this_cpu().current, ++submitted, 0, 0};
  const int64_t error = accelerator_call_submit(command);
  commands[tag].used = error == 0;
  return error;
}

// With the lock. What the task has to wait for; none left: its commands are over, the oldest
// error and the newest result are in `error` and `result`, and the tags are free.
bool collect(const Task& task, int64_t& error, uint64_t& result) {
  uint64_t oldest_error = UINT64_MAX;
  uint64_t newest = 0;
  for (const Command& command : commands) {
    if (!command.used || command.owner != &task) {
      continue;
    }
    if (!command.ended) {
      return false;
    }
    if (command.error != 0 && command.order < oldest_error) {
      oldest_error = command.order;
      error = command.error;
    }
    if (command.order > newest) {
      newest = command.order;
      result = command.result;
    }
  }
  for (Command& command : commands) {
    if (command.owner == &task) {
      command.used = false;
      command.owner = nullptr;
    }
  }
  return true;
}

}  // namespace

int64_t accelerator_submit(const DeviceRequest& request) {
  {
    SpinlockGuard guard(lock);
    if (const int64_t error = start_device(); error != 0) {
      return error;
    }
  }
  uint32_t context = 0;
  const int64_t error = context_of(current_mm(), context);
  return error != 0 ? error : submit(context, request);
}

int64_t accelerator_wait() {
  Task& task = *this_cpu().current;
  for (;;) {
    {
      SpinlockGuard guard(lock);
      int64_t error = 0;
      if (collect(task, error, task.device_result)) {
        return error;
      }
      if (__atomic_load_n(&task.killed, __ATOMIC_ACQUIRE)) {
        return -kEintr;
      }
      sched_prepare_to_block();
    }
    sched_switch();
  }
}

void accelerator_forget(const Task& task) {
  if (accelerator_port() == 0) {
    return;
  }
  SpinlockGuard guard(lock);
  for (Command& command : commands) {
    if (command.used && command.owner == &task) {
      command.owner = nullptr;
      command.used = !command.ended;
    }
  }
}

void accelerator_context_closed(uint32_t context) {
  SpinlockGuard guard(lock);
  for (unsigned tag = 0; tag < kMaxCommands; ++tag) {
    Command& command = commands[tag];
    if (!command.used || command.context != context) {
      continue;
    }
    clear_pending(tag);
    command.used = false;
    // Only a thread that is in another address space by now.
    if (command.owner != nullptr) {
      sched_wake(*command.owner);
    }
  }
}

evtchn_port_t accelerator_port() {
  return __atomic_load_n(&port, __ATOMIC_ACQUIRE);
}

void accelerator_event() {
  sched_wake(*thread);
}

AcceleratorUse accelerator_use() {
  AcceleratorUse use;
  SpinlockGuard guard(lock);
  use.threads = thread != nullptr ? 1 : 0;
  use.contexts = contexts_in_use();
  use.pages = remote_pages_in_use();
  for (const Command& command : commands) {
    use.commands += command.used ? 1 : 0;
  }
  return use;
}

}  // namespace kernel
