// What the start-up probe found out about this machine's KVM, and the rest of the VMM acts on.
#pragma once

#include <string>

namespace vmm {

enum class HypercallGate { kSyscall, kInterrupt82 };

struct KvmTraits {
  // `syscall` at CPL3 enters CPL0 (hardware, emulated SVM); otherwise it jumps to LSTAR at CPL3.
  bool syscall_raises_privilege = true;
  // `int $0x82` at CPL3 is delivered through the IDT; otherwise it is #UD and is decoded.
  bool interrupt_gate_works = true;
  // A page-table entry that the host changed is seen by the processor after a CR3 load (EPT, NPT).
  // Otherwise ring 0 must touch the entry first (shadow paging).
  bool host_writes_visible = true;
  // CPL3 can use L4 slot 256.
  bool slot_256_usable = true;
  HypercallGate gate = HypercallGate::kSyscall;
  // Microseconds, median: ring 0 to the VMM and back; a hypercall by the chosen gate and back.
  double exit_microseconds = 0;
  double round_trip_microseconds = 0;
};

}  // namespace vmm
