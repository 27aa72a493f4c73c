#include "runtime/traps.h"

#include "runtime/console.h"
#include "runtime/hypercall.h"

namespace test_guest {
namespace {

constexpr unsigned kVectorCount = 20;
constexpr unsigned kStubSize = 16;

// Set by guarded_call while there is a way out.
extern "C" uint64_t way_out_rip, way_out_rsp;
extern "C" char trap_stubs[];

Trap last;

extern "C" void handle_trap(TrapFrame* frame) {
  last = {true, frame->vector, frame->error, frame->rip};
  if (way_out_rip == 0) {
    print("unexpected ", trap_name(frame->vector), " error ", Hex{frame->error}, " at ",
          Hex{frame->rip});
    shut_down(SHUTDOWN_crash);
  }
  frame->rip = way_out_rip;
  frame->rsp = way_out_rsp;
  way_out_rip = 0;
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

const char* trap_name(uint64_t vector) {
  static constexpr const char* kNames[kVectorCount] = {
      "#DE", "#DB", "NMI", "#BP", "#OF", "#BR",       "#UD", "#NM", "#DF", "vector 9",
      "#TS", "#NP", "#SS", "#GP", "#PF", "vector 15", "#MF", "#AC", "#MC", "#XM"};
  return vector < kVectorCount ? kNames[vector] : "unknown trap";
}

Trap last_trap() {
  return last;
}

}  // namespace test_guest
