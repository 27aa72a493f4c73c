#include "runtime/traps.h"

#include "runtime/console.h"
#include "runtime/hypercall.h"

namespace test_guest {
namespace {

constexpr unsigned kVectorCount = 20;
constexpr unsigned kStubSize = 16;

constexpr uint64_t kTrapFlag = 1 << 8, kInterruptFlag = 1 << 9, kDirectionFlag = 1 << 10,
                   kAlignmentFlag = 1 << 18;

extern "C" char trap_stubs[], event_stub[], failsafe_stub[], syscall_stub[];

extern "C" void handle_trap(TrapFrame* frame) {
  StackHead& head = stack_head();
  if (frame->vector == kEventVector) {
    ++head.event_count;
    frame->rflags &= ~kInterruptFlag;
    return;
  }
  head.last_trap = {true, frame->vector, frame->error, frame->rip};
  if (head.way_out_rip == 0) {
    print("unexpected ", trap_name(frame->vector), " error ", Hex{frame->error}, " at ",
          Hex{frame->rip});
    shut_down(SHUTDOWN_crash);
  }
  // The way out is in the kernel, whoever trapped.
  frame->cs &= ~uint64_t{3};
  frame->ss = FLAT_KERNEL_SS;
  frame->rflags &= ~(kTrapFlag | kDirectionFlag | kAlignmentFlag);
  frame->rip = head.way_out_rip;
  frame->rsp = head.way_out_rsp;
  head.way_out_rip = 0;
}

}  // namespace

int64_t register_traps() {
  trap_info_t table[kVectorCount + 1] = {};
  for (unsigned vector = 0; vector < kVectorCount; ++vector) {
    trap_info_t& entry = table[vector];
    entry.vector = static_cast<uint8_t>(vector);
    entry.flags = 3;  // int3 and into may be used by everybody; the others do not ask
    entry.cs = FLAT_KERNEL_CS;
    entry.address = address_of(trap_stubs + vector * kStubSize);
  }
  return hypercall(__HYPERVISOR_set_trap_table, address_of(table));
}

int64_t register_callbacks() {
  const int64_t result = register_traps();
  if (result != 0) return result;
  return hypercall(__HYPERVISOR_set_callbacks, address_of(event_stub), address_of(failsafe_stub),
                   address_of(syscall_stub));
}

const char* trap_name(uint64_t vector) {
  static constexpr const char* kNames[kVectorCount] = {
      "#DE", "#DB", "NMI", "#BP", "#OF", "#BR",       "#UD", "#NM", "#DF", "vector 9",
      "#TS", "#NP", "#SS", "#GP", "#PF", "vector 15", "#MF", "#AC", "#MC", "#XM"};
  return vector < kVectorCount ? kNames[vector] : "unknown trap";
}

Trap last_trap() {
  return stack_head().last_trap;
}

}  // namespace test_guest
