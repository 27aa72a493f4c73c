// Where the ring-0 monitor lies in every address space of the VM, and how it and the VMM talk.
//
// Used by the VMM and by the monitor's assembly. All of it is in the hypervisor's slots (256..271
// of every L4), in frames that belong to no domain, and closed to CPL3 but for the two read-only
// windows named below.
#ifndef GUEST_ABI_MONITOR_H_
#define GUEST_ABI_MONITOR_H_

// Exits. Each IDT vector leaves with a one-byte `out` to the port of its number; everything else
// with a four-byte `out` to one of these ports.
#define MONITOR_PORT_SYSCALL 0x00  // a `syscall` instruction that raised the privilege level
#define MONITOR_PORT_SERVICE 0x01  // a service that the VMM asked for is done

#define MONITOR_VECTOR_STUB_SIZE 8

// The first page of the image starts with this many 8-byte addresses, see MonitorHeader.
#define MONITOR_TEXT 0xffff828000000000

#ifndef __ASSEMBLER__

#include <stdint.h>

namespace guest_abi {

// Read-only windows for CPL3: the machine-to-phys table (the first place is Xen's, which some
// shadow-paging KVM cannot give to CPL3; the second is what XENMEM_machphys_mapping answers).
inline constexpr uint64_t kM2pXenBase = 0xffff'8000'0000'0000;
inline constexpr uint64_t kM2pBase = 0xffff'8080'0000'0000;
// Where `syscall` lands (LSTAR): an `out`, in a page that CPL3 may execute. At CPL0 it leaves for
// the VMM; on KVMs whose `syscall` does not raise the privilege level it faults there, at CPL3.
// Both can happen on one KVM: one that emulates instructions raises the level when it emulates
// `syscall`. So the landing may do nothing that needs a stack.
inline constexpr uint64_t kGatePage = 0xffff'8280'4000'0000;

inline constexpr uint64_t kMonitorText = MONITOR_TEXT;
inline constexpr uint64_t kMonitorIdt = kMonitorText + 0x8'0000;
// Per-vCPU areas.
inline constexpr uint64_t kMonitorVcpuBase = kMonitorText + 0x10'0000;
inline constexpr uint64_t kMonitorVcpuStride = 0x8'0000;
inline constexpr uint64_t kVcpuStack = 0x0'0000;       // RSP0 stack, one page
inline constexpr uint64_t kVcpuFaultStack = 0x0'1000;  // one page for each IST 1..4
inline constexpr uint64_t kVcpuGdt = 0x1'0000;         // 16 pages: 14 of the guest's, then ours
inline constexpr uint64_t kVcpuTss = 0x2'0000;
inline constexpr uint64_t kVcpuTouchList = 0x3'0000;  // addresses of entries, one page

// All machine memory, supervisor only: linear = base + maddr.
inline constexpr uint64_t kMonitorDirectMap = 0xffff'8300'0000'0000;

// Selectors of the monitor's own descriptors; the guest's flat ones are Xen's.
inline constexpr uint16_t kMonitorCodeSelector = 0xe008;
inline constexpr uint16_t kMonitorDataSelector = 0xe010;
inline constexpr uint16_t kMonitorTssSelector = 0xe040;

// At kMonitorText: the addresses of the monitor's entry points.
struct MonitorHeader {
  uint64_t magic;
  uint64_t vector_stubs;  // 256 of them, MONITOR_VECTOR_STUB_SIZE bytes each
  uint64_t resume;        // iret frame at rsp
  uint64_t resume_load;   // rax = new CR3; at rsp: guest's rax, iret frame
  uint64_t resume_swap;   // as resume_load, after exchanging the GS bases
  uint64_t resume_touch;  // rsi = list of entries, rcx = count > 0; at rsp: guest's rsi and rcx,
                          // then new CR3, guest's rax, iret frame
  uint64_t resume_touch_swap;
  uint64_t service_touch;  // rsi, rcx as above; ends at MONITOR_PORT_SERVICE
  uint64_t service_load;   // rax = new CR3; ends at MONITOR_PORT_SERVICE
  uint64_t service_none;   // only ends at MONITOR_PORT_SERVICE: a bare round trip
};

inline constexpr uint64_t kMonitorMagic = 0x31726f74696e6f6d;  // "monitor1"

}  // namespace guest_abi

#endif  // __ASSEMBLER__
#endif  // GUEST_ABI_MONITOR_H_
