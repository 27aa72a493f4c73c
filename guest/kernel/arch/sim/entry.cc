#include "arch/sim/entry.h"

#include "abi/xen.h"
#include "arch/boot.h"
#include "arch/context.h"
#include "arch/entry_points.h"
#include "arch/hypercall.h"
#include "arch/memory.h"
#include "panic.h"
#include "percpu.h"
#include "task.h"
#include "traps/trap.h"

namespace kernel {
namespace {

using sim::machine;
using sim::Registers;
using sim::registers;

// The code that there is: its linear addresses are those of these bytes, which lie in a window.
// Not constant: constants have no window.
struct Code {
  unsigned char exceptions[32];
  unsigned char syscall, event, failsafe, secondary;
  unsigned char running;  // where a handler is that has begun
  unsigned char stores[3][16];
};
Code code = {{},
             0,
             0,
             0,
             0,
             0,
             {{0x48, 0x89, 0x37},          // mov %rsi,(%rdi)
              {0x48, 0x87, 0x37},          // xchg %rsi,(%rdi)
              {0xf0, 0x48, 0x21, 0x37}}};  // lock and %rsi,(%rdi)
constexpr unsigned kStoreLengths[3] = {3, 3, 4};

// The vectors that have handlers, as in the image's table.
constexpr unsigned kVectors[] = {0, 1, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 16, 17, 19};
constexpr unsigned kVectorCount = sizeof(kVectors) / sizeof(kVectors[0]);

constexpr unsigned kHypercallSlotBytes = 32;
// Behind the gate's instruction: push %rcx; push %r11; mov $number,%eax; syscall.
constexpr unsigned kBehindGate = 10;

// A place in `code` as the hypervisor calls it.
uint64_t address_of_code(const unsigned char& place) {
  // Once for all: this is asked at every trap.
  static constinit uint64_t start = 0;
  if (start == 0) {
    start = linear_address(&code);
  }
  return start + static_cast<uint64_t>(&place - reinterpret_cast<const unsigned char*>(&code));
}

bool has_error_code(unsigned vector) {
  return (vector >= 10 && vector <= 14) || vector == 17;
}

void raw_hypercall(uint64_t number) {
  Registers& r = registers();
  r.rax = number;
  r.rip = sim::layout().hypercall_page + number * kHypercallSlotBytes + kBehindGate;
  machine().leave(sim::Cause::kSyscall, 0, 0);
}

// Makes a TrapFrame of what the hypervisor pushed, in its place on the stack in guest memory, and
// of the registers, which are still those of the interrupted code.
TrapFrame& save_registers(bool with_error_code) {
  Registers& r = registers();
  const auto* pushed = static_cast<const uint64_t*>(sim::host_pointer(r.rsp));
  const uint64_t rcx = pushed[0];
  const uint64_t r11 = pushed[1];
  const uint64_t error_code = with_error_code ? pushed[2] : 0;
  const uint64_t place_of_rip = r.rsp + (with_error_code ? 3 : 2) * sizeof(uint64_t);
  const uint64_t linear = place_of_rip - offsetof(TrapFrame, rip);
  auto& frame = *static_cast<TrapFrame*>(sim::host_pointer(linear));
  frame.r15 = r.r15;
  frame.r14 = r.r14;
  frame.r13 = r.r13;
  frame.r12 = r.r12;
  frame.rbp = r.rbp;
  frame.rbx = r.rbx;
  frame.r10 = r.r10;
  frame.r9 = r.r9;
  frame.r8 = r.r8;
  frame.rdx = r.rdx;
  frame.rsi = r.rsi;
  frame.rdi = r.rdi;
  frame.rax = r.rax;
  frame.r11 = r11;
  frame.rcx = rcx;
  frame.error_code = error_code;
  r.rsp = linear;
  r.rip = address_of_code(code.running);
  return frame;
}

// The end of a TrapFrame is what iret takes, rax first.
void return_from_trap(TrapFrame& frame) {
  Registers& r = registers();
  frame.error_code = 0;
  r.r15 = frame.r15;
  r.r14 = frame.r14;
  r.r13 = frame.r13;
  r.r12 = frame.r12;
  r.rbp = frame.rbp;
  r.rbx = frame.rbx;
  r.r10 = frame.r10;
  r.r9 = frame.r9;
  r.r8 = frame.r8;
  r.rdx = frame.rdx;
  r.rsi = frame.rsi;
  r.rdi = frame.rdi;
  r.rsp = linear_address(&frame.rax);
  raw_hypercall(__HYPERVISOR_iret);
}

// The exception whose handler is at an address; -1: none is.
int vector_of(uint64_t address) {
  const uint64_t first = address_of_code(code.exceptions[0]);
  return address - first < sizeof(code.exceptions) ? static_cast<int>(address - first) : -1;
}

// Runs the handler at rip, if there is one.
bool run_handler() {
  const uint64_t rip = registers().rip;
  if (const int vector = vector_of(rip); vector >= 0) {
    TrapFrame& frame = save_registers(has_error_code(static_cast<unsigned>(vector)));
    handle_exception(&frame, static_cast<unsigned>(vector));
    return_from_trap(frame);
    return true;
  }
  const bool is_syscall = rip == address_of_code(code.syscall);
  const bool is_event = rip == address_of_code(code.event);
  if (!is_syscall && !is_event && rip != address_of_code(code.failsafe)) {
    return false;
  }
  TrapFrame& frame = save_registers(false);
  if (is_syscall) {
    handle_syscall(&frame);
  } else if (is_event) {
    handle_event_upcall(&frame);
  } else {
    handle_failsafe(&frame);
  }
  return_from_trap(frame);
  return true;
}

// The hypervisor may enter a handler instead of what it was asked for, and another one when that
// one returns.
void run_handlers() {
  while (run_handler()) {
  }
}

}  // namespace

EntryPoints entry_points() {
  static ExceptionEntry exceptions[kVectorCount + 1] = {};
  if (exceptions[0].address == 0) {
    for (unsigned i = 0; i < kVectorCount; ++i) {
      exceptions[i] = {kVectors[i], address_of_code(code.exceptions[kVectors[i]])};
    }
  }
  return {exceptions, address_of_code(code.syscall), address_of_code(code.event),
          address_of_code(code.failsafe), address_of_code(code.secondary)};
}

int64_t arch_hypercall(uint64_t op, const uint64_t (&args)[6]) {
  Registers& r = registers();
  r.rdi = args[0];
  r.rsi = args[1];
  r.rdx = args[2];
  r.r10 = args[3];
  r.r8 = args[4];
  r.r9 = args[5];
  const uint64_t rsp = r.rsp;
  raw_hypercall(op);
  run_handlers();
  const uint64_t behind = sim::layout().hypercall_page + op * kHypercallSlotBytes + kBehindGate;
  if (registers().rip != behind || registers().rsp != rsp) {
    sim::fail("a hypercall did not return to where it was made");
  }
  return static_cast<int64_t>(registers().rax);
}

namespace sim {

Running running;

void trap(Cause cause, uint64_t address, uint32_t error_code) {
  machine().leave(cause, address, error_code);
  run_handlers();
}

uint64_t perform_store(Store store, uint64_t linear, uint64_t value) {
  const auto number = static_cast<unsigned>(store);
  const uint64_t rip = address_of_code(code.stores[number][0]);
  for (;;) {
    uint32_t error_code = 0;
    if (uint64_t* place = machine().access(linear, true, error_code)) {
      switch (store) {
        case Store::kMove:
          __atomic_store_n(place, value, __ATOMIC_RELEASE);
          return value;
        case Store::kExchange:
          return __atomic_exchange_n(place, value, __ATOMIC_SEQ_CST);
        case Store::kAnd:
          __atomic_and_fetch(place, value, __ATOMIC_SEQ_CST);
          return value;
      }
    }
    Registers& r = registers();
    r.rdi = linear;
    r.rsi = value;
    r.rip = rip;
    trap(Cause::kPageFault, linear, error_code);
    if (registers().rip == rip + kStoreLengths[number]) {
      return registers().rsi;  // the hypervisor has carried it out
    }
    if (registers().rip != rip) {
      sim::fail("a store to a page table did not return to where it was made");
    }
  }
}

void begin_vcpu() {
  const uint64_t rip = registers().rip;
  if (rip == sim::layout().entry) {
    kernel_start(static_cast<const start_info_t*>(host_pointer(registers().rsi)));
  }
  if (rip == address_of_code(code.secondary)) {
    secondary_start();
  }
  sim::fail("a vCPU begins where there is no code");
}

}  // namespace sim

// A new thread: what it does in the kernel, and then the program of its process.
static void begin_thread() {
  const Task& task = *this_cpu().current;
  auto& frame = *reinterpret_cast<TrapFrame*>(task.stack_top - sizeof(TrapFrame));
  registers().rsp = linear_address(&frame);
  thread_begin();
  return_from_trap(frame);
  run_handlers();
  machine().run_user();
}

void context_prepare(Task& task, const TrapFrame* user_frame) {
  if (user_frame != nullptr) {
    *reinterpret_cast<TrapFrame*>(task.stack_top - sizeof(TrapFrame)) = *user_frame;
  }
  machine().prepare_thread(task.stack_top, begin_thread);
}

void context_switch(Task& from, Task& to) {
  from.saved_stack = registers().rsp;
  machine().switch_to_thread(to.stack_top);
  // Perhaps on another vCPU.
  registers().rsp = from.saved_stack;
}

}  // namespace kernel
