// What the VMM counts on one vCPU. The names in the statistics come from the lists below.
//
// Counters is nothing but 64-bit sums, so that differences and totals are taken over all of them at
// once and a new counter cannot be forgotten. Each vCPU thread increments its own. Traps are named
// by intent: which gate or vector carried one does not matter. A counter marked varies depends on
// the machine, its KVM or time; the others repeat exactly on one vCPU.
//
// Not here: what the guest counts itself (guest_abi/accounting.h), batch sizes (multicall_sizes.h).
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <array>
#include <span>
#include <type_traits>

#include "pvmmu/counters.h"

namespace vmm {

// How the value of a counter may be compared between two runs on one vCPU.
enum class Repeats : bool { kVaries, kExactly };

// X(enumerator, name in the statistics, Repeats)
#define VMM_TRAP_CAUSES(X)                                                                   \
  X(kHypercall, "hypercall", kExactly)  /* also the ones that came by a raw gate */          \
  X(kSyscall, "syscall", kExactly)      /* user to guest kernel */                           \
  X(kPageFault, "page_fault", kExactly) /* delivered to the guest */                         \
  X(kGeneralProtection, "general_protection", kExactly)                                      \
  X(kInvalidOpcode, "invalid_opcode", kExactly)                                              \
  X(kDivideError, "divide_error", kExactly)                                                  \
  X(kDebug, "debug", kExactly)                                                               \
  X(kBreakpoint, "breakpoint", kExactly)                                                     \
  X(kNmi, "nmi", kExactly)                                                                   \
  X(kOverflow, "overflow", kExactly)                                                         \
  X(kBoundRange, "bound_range", kExactly)                                                    \
  X(kDeviceNotAvailable, "device_not_available", kExactly)                                   \
  X(kDoubleFault, "double_fault", kExactly)                                                  \
  X(kInvalidTss, "invalid_tss", kExactly)                                                    \
  X(kSegmentNotPresent, "segment_not_present", kExactly)                                     \
  X(kStackFault, "stack_fault", kExactly)                                                    \
  X(kFloatingPoint, "floating_point", kExactly)                                              \
  X(kAlignmentCheck, "alignment_check", kExactly)                                            \
  X(kMachineCheck, "machine_check", kExactly)                                                \
  X(kSimdError, "simd_error", kExactly)                                                      \
  X(kOtherException, "other_exception", kExactly)                                            \
  X(kSoftwareInterrupt, "software_interrupt", kExactly)                                      \
  X(kEmulatedWrite, "emulated_write", kExactly) /* a store to a page table, carried out */   \
  X(kDemandFill, "demand_fill", kExactly)       /* a fault at an entry that waited for it */ \
  X(kEmulatedInstruction, "emulated_instruction", kExactly) /* privileged, carried out */    \
  X(kEmulatedRead, "emulated_read", kVaries)   /* of the m2p where CPL3 cannot reach it */   \
  X(kSpuriousFault, "spurious_fault", kVaries) /* the tables permit the access: retried */   \
  X(kFailsafe, "failsafe", kExactly)           /* failsafe callback entered */

enum class TrapCause : unsigned {
#define VMM_ENUMERATOR(name, text, repeats) name,
  VMM_TRAP_CAUSES(VMM_ENUMERATOR)
#undef VMM_ENUMERATOR
      kCount
};

// KVM_RUN returning to the VMM. All of them vary.
#define VMM_EXIT_REASONS(X)                                   \
  X(kMonitor, "monitor") /* the monitor's port */             \
  X(kIo, "io")           /* any other port */                 \
  X(kMmio, "mmio")                                            \
  X(kHalt, "halt")                                            \
  X(kInterrupted, "interrupted") /* a signal: kick or stop */ \
  X(kShutdown, "shutdown")                                    \
  X(kFailEntry, "fail_entry")                                 \
  X(kInternalError, "internal_error")                         \
  X(kOther, "other")

enum class ExitReason : unsigned {
#define VMM_ENUMERATOR(name, text) name,
  VMM_EXIT_REASONS(VMM_ENUMERATOR)
#undef VMM_ENUMERATOR
      kCount
};

inline constexpr unsigned kTrapCauseCount = static_cast<unsigned>(TrapCause::kCount);
inline constexpr unsigned kExitReasonCount = static_cast<unsigned>(ExitReason::kCount);
// Hypercall numbers 0..63; anything above counts under the last number, which Xen does not use.
inline constexpr unsigned kHypercallSlots = 64;

constexpr unsigned hypercall_slot(uint64_t number) {
  return number < kHypercallSlots ? static_cast<unsigned>(number) : kHypercallSlots - 1;
}
// The cause that a delivered exception of this vector counts as.
TrapCause trap_cause_of_vector(unsigned vector);
const char* trap_cause_name(TrapCause cause);
bool trap_cause_repeats(TrapCause cause);
const char* exit_reason_name(ExitReason reason);
// Xen's name without the prefix, as "mmu_update"; "pvmmu_op" for the private one; "unknown_N".
const char* hypercall_name(unsigned number);

struct Counters {
  std::array<uint64_t, kTrapCauseCount> traps;
  // Calls made through the gate, by number; a call inside a multicall is in multicall_entries.
  // Their ops are in mmu (ops_mmu_update, ops_mmuext, ops_va_mapping), inside a multicall or not.
  std::array<uint64_t, kHypercallSlots> hypercalls;
  std::array<uint64_t, kHypercallSlots> unimplemented;  // answered -ENOSYS, also inside multicalls
  uint64_t multicall_entries;                           // carried out, or refused one by one
  uint64_t multicall_ops;                               // mmu ops of those entries
  uint64_t upcalls;                                     // event callbacks delivered to the guest
  uint64_t remote_kicks;       // varies: a running vCPU was interrupted for a flush or an event
  uint64_t coherence_touches;  // varies: entries that ring 0 touched for a shadow MMU
  std::array<uint64_t, kExitReasonCount> exits;
  pvmmu::MmuCounters mmu;

  uint64_t& trap(TrapCause cause) { return traps[static_cast<unsigned>(cause)]; }
  uint64_t trap(TrapCause cause) const { return traps[static_cast<unsigned>(cause)]; }
  uint64_t& exit(ExitReason reason) { return exits[static_cast<unsigned>(reason)]; }
  uint64_t exit(ExitReason reason) const { return exits[static_cast<unsigned>(reason)]; }
  uint64_t& hypercall(uint64_t number) { return hypercalls[hypercall_slot(number)]; }
  uint64_t hypercall(uint64_t number) const { return hypercalls[hypercall_slot(number)]; }
};

static_assert(std::is_trivially_copyable_v<Counters>);
static_assert(sizeof(Counters) % sizeof(uint64_t) == 0 && alignof(Counters) == alignof(uint64_t));
inline constexpr size_t kCounterWords = sizeof(Counters) / sizeof(uint64_t);

// All counters as one row of sums; what makes arithmetic on them one loop.
inline std::span<uint64_t, kCounterWords> counter_words(Counters& counters) {
  return std::span<uint64_t, kCounterWords>(reinterpret_cast<uint64_t*>(&counters), kCounterWords);
}
inline std::span<const uint64_t, kCounterWords> counter_words(const Counters& counters) {
  return std::span<const uint64_t, kCounterWords>(reinterpret_cast<const uint64_t*>(&counters),
                                                  kCounterWords);
}

Counters& operator+=(Counters& sum, const Counters& more);
// later - earlier; both of one vCPU, so that no difference is negative.
Counters operator-(const Counters& later, const Counters& earlier);

// What page-table work cost in traps: emulated writes, and mmu_update, mmuext_op, update_va_mapping
// and multicall calls. The figure by which modes are compared.
uint64_t page_table_traps(const Counters& counters);

}  // namespace vmm
