#include "traps/trap.h"

#include "accounting.h"
#include "console.h"
#include "lazy_lab/lab.h"
#include "mm/mm.h"
#include "panic.h"
#include "percpu.h"
#include "process.h"
#include "sched/events.h"
#include "task.h"

namespace kernel {
namespace {

// A fault that the tables permit is tried again; so often in a row, without a register changed in
// between, means that somebody lies.
constexpr unsigned kMaxSpuriousFaults = 1000;

Task& current_task() {
  return *this_cpu().current;
}

// A number that differs, most likely, between two states of the registers.
uint64_t fingerprint(const TrapFrame& frame) {
  constexpr uint64_t kPrime = 0x100000001b3;  // of the FNV-1a hash
  uint64_t hash = 0xcbf29ce484222325;
  const auto* words = reinterpret_cast<const uint64_t*>(&frame);
  for (unsigned i = 0; i < sizeof(frame) / sizeof(*words); ++i) {
    hash = (hash ^ words[i]) * kPrime;
  }
  return hash;
}

// A thread that comes back in another state has got further: then it is a new fault, also if
// another thread changed the tables under its hands once more.
bool may_retry(Task& task, const TrapFrame& frame) {
  accounting_count(&guest_abi::GuestCounters::spurious_faults);
  const uint64_t state = fingerprint(frame);
  if (task.spurious_state != state) {
    task.spurious_state = state;
    task.spurious_in_a_row = 0;
  }
  return ++task.spurious_in_a_row <= kMaxSpuriousFaults;
}

// The program's handler goes on with the fault, or the process ends.
void deliver_fault(TrapFrame& frame, uint64_t address, unsigned vector) {
  const uint64_t handler = current_task().fault_handler;
  if (handler == 0) {
    console_print("pid %u: trap %u at %lx, address %lx, error code %lx: killed\n",
                  process_current_pid(), vector, frame.rip, address, frame.error_code);
    process_kill_current(kKilledByFault);
    return;
  }
  frame.rdi = address;
  frame.rsi = frame.error_code;
  frame.rdx = vector;
  frame.rcx = frame.rip;
  frame.rip = handler;
}

void user_page_fault(TrapFrame& frame, uint64_t address) {
  OperationScope scope(Operation::kFault);
  switch (handle_user_fault(current_mm(), address, frame.error_code)) {
    case FaultResult::kResolved:
      return;
    case FaultResult::kSpurious:
      if (!may_retry(current_task(), frame)) {
        panic("the tables permit the access to %lx, but it faults again and again", address);
      }
      return;
    case FaultResult::kNoMemory:
      console_print("pid %u: killed, because memory is out\n", process_current_pid());
      process_kill_current(kKilledByMemory);
      return;
    case FaultResult::kBad:
      deliver_fault(frame, address, kVectorPageFault);
      return;
  }
}

void kernel_exception(const TrapFrame& frame, unsigned vector, uint64_t address) {
  if (vector == kVectorPageFault && kernel_fault_is_spurious(address, frame.error_code) &&
      may_retry(current_task(), frame)) {
    return;
  }
  if (vector == kVectorPageFault && lazy_lab_fault(address)) {
    return;
  }
  print_registers(frame);
  panic("trap %u in the kernel at %lx, error code %lx, address %lx", vector, frame.rip,
        frame.error_code, vector == kVectorPageFault ? address : 0);
}

}  // namespace

void print_registers(const TrapFrame& frame) {
  console_print("rip %016lx  rsp %016lx  rflags %08lx  cs %lx\n", frame.rip, frame.rsp,
                frame.rflags, frame.cs);
  console_print("rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n", frame.rax, frame.rbx, frame.rcx,
                frame.rdx);
  console_print("rsi %016lx  rdi %016lx  rbp %016lx  r8  %016lx\n", frame.rsi, frame.rdi, frame.rbp,
                frame.r8);
  console_print("r9  %016lx  r10 %016lx  r11 %016lx  r12 %016lx\n", frame.r9, frame.r10, frame.r11,
                frame.r12);
  console_print("r13 %016lx  r14 %016lx  r15 %016lx\n", frame.r13, frame.r14, frame.r15);
}

void handle_exception(TrapFrame* frame, unsigned vector) {
  const uint64_t address =
      vector == kVectorPageFault ? this_cpu().vcpu_info->arch.cr2 : uint64_t{0};
  if (!frame->from_user()) {
    kernel_exception(*frame, vector, address);
    return;
  }
  if (vector == kVectorPageFault) {
    user_page_fault(*frame, address);
  } else {
    OperationScope scope(Operation::kFault);
    deliver_fault(*frame, 0, vector);
  }
  process_before_user_mode();
}

void handle_syscall(TrapFrame* frame) {
  dispatch_syscall(*frame);
  process_before_user_mode();
}

void handle_event_upcall(TrapFrame* frame) {
  {
    OperationScope scope(Operation::kSchedule);
    lazy_interrupt_begin();
    events_take_pending();
    lazy_lab_interrupt();
    lazy_interrupt_end();
  }
  if (frame->from_user()) {
    process_before_user_mode();
  }
}

void handle_failsafe(TrapFrame* frame) {
  print_registers(*frame);
  panic("the hypervisor could not load the context of an iret");
}

}  // namespace kernel
