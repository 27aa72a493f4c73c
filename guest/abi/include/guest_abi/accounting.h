// What the guest kernel tells the VMM about itself without a trap: one shared area per vCPU, in
// guest memory, written by the guest and read by the VMM at every trap.
//
// The VMM trusts nothing here: indices out of range count as 0, and counters are only printed.
// Any change of layout raises kAccountingVersion.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "guest_abi/pte_rules.h"

namespace guest_abi {

inline constexpr uint32_t kAccountingVersion = 4;

// The private hypercall (an arch-specific slot of the Xen ABI) and its operations. No guest needs
// it; a VMM without it answers -ENOSYS.
inline constexpr unsigned kHypercallPvmmuOp = 55;  // __HYPERVISOR_arch_7
// arg1 = vCPU, arg2 = frame (mfn) of the first page, arg3 = frame of the second page.
inline constexpr unsigned kPvmmuOpRegisterAccounting = 1;
// From now on, in this domain, an L1 entry that is not present and has kPteOnDemand (base/pte.h) is
// made present by the hypervisor at the first access of user mode that it permits, with A, and D
// for a write, as an mmu_update of the guest's would make it. One that would be refused faults. 0;
// -ENOSYS if the extensions are off.
inline constexpr unsigned kPvmmuOpFillOnDemand = 2;

inline constexpr unsigned kMaxPhases = 32;
// Phases 0 and 1 are the kernel's; labels of a workload start at kFirstLabelPhase.
inline constexpr uint32_t kPhaseBoot = 0;
inline constexpr uint32_t kPhaseMain = 1;  // the workload outside every label
inline constexpr uint32_t kFirstLabelPhase = 2;

// What the kernel is doing on this vCPU. One list: the enumerator and the name in the statistics.
#define GUEST_ABI_OPERATIONS(X)     \
  X(kNone, "none")                  \
  X(kBoot, "boot")                  \
  X(kSchedule, "schedule")          \
  X(kIdle, "idle")                  \
  X(kFault, "fault")                \
  X(kCow, "cow")                    \
  X(kFork, "fork")                  \
  X(kExec, "exec")                  \
  X(kExit, "exit")                  \
  X(kWait, "wait")                  \
  X(kMmap, "mmap")                  \
  X(kMunmap, "munmap")              \
  X(kMprotect, "mprotect")          \
  X(kMremap, "mremap")              \
  X(kPopulate, "populate")          \
  X(kMadvise, "madvise")            \
  X(kAge, "age")                    \
  X(kSwap, "swap")                  \
  X(kWriteback, "writeback")        \
  X(kPin, "pin")                    \
  X(kUnpin, "unpin")                \
  X(kClone, "clone")                \
  X(kConsole, "console")            \
  X(kDevice, "device")              \
  X(kOtherSyscall, "other_syscall") \
  X(kUser, "user")

enum class Operation : uint32_t {
#define GUEST_ABI_ENUMERATOR(name, text) name,
  GUEST_ABI_OPERATIONS(GUEST_ABI_ENUMERATOR)
#undef GUEST_ABI_ENUMERATOR
      kCount
};

inline constexpr unsigned kOperationCount = static_cast<unsigned>(Operation::kCount);
inline constexpr const char* kOperationNames[] = {
#define GUEST_ABI_NAME(name, text) text,
    GUEST_ABI_OPERATIONS(GUEST_ABI_NAME)
#undef GUEST_ABI_NAME
};

// Counted by the guest kernel. max_locks_held is a maximum, the others are sums.
#define GUEST_ABI_COUNTERS(X)                                       \
  X(pte_updates)     /* entries the mm asked to change, any mode */ \
  X(callbacks)       /* deferred callbacks run */                   \
  X(flush_slots)     /* queue flushes because entries ran out */    \
  X(flush_args)      /* ... because argument bytes ran out */       \
  X(flush_callbacks) /* ... because callbacks ran out */            \
  X(flush_explicit)  /* ... because somebody asked */               \
  X(flush_leave)     /* ... because lazy mode was left */           \
  X(max_locks_held)  /* pte locks held at once, at most */          \
  X(spurious_faults) /* faults that the tables permitted */         \
  X(context_switches)                                               \
  X(secondary_retries) /* faults of a device looked at again */

struct GuestCounters {
#define GUEST_ABI_FIELD(name) uint64_t name;
  GUEST_ABI_COUNTERS(GUEST_ABI_FIELD)
#undef GUEST_ABI_FIELD
};

// First page: who is running, and the counters of each phase.
struct AccountingPage {
  uint32_t version;
  uint32_t phase;      // index of the current phase, < kMaxPhases
  uint32_t operation;  // Operation
  uint32_t exit_code;  // of the whole guest; read at shutdown from vCPU 0's page
  GuestCounters phases[kMaxPhases];
  PteRuleReport rules;  // of the whole guest; in vCPU 0's page
};

// Second page: the counters of each operation.
struct AccountingOperations {
  GuestCounters operations[kOperationCount];
};

static_assert(sizeof(AccountingPage) <= 4096);
static_assert(sizeof(AccountingOperations) <= 4096);
static_assert(offsetof(AccountingPage, phases) == 16);

}  // namespace guest_abi
