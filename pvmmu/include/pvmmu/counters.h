// What the MMU counts. One list, so that the VMM prints all of it by name.
//
// All are exact: with one vCPU they repeat on every machine. tlb_flush_* are flushes asked of the
// machine, by the guest or because a rule demands them; tlb_flushes_avoided are those that the time
// stamps proved needless.
#pragma once

#include <stdint.h>

#include "base/errno.h"
#include "pvmmu/refusal.h"

namespace pvmmu {

#define PVMMU_MMU_COUNTERS(X)                                                   \
  X(ops_mmu_update)   /* requests of mmu_update carried out */                  \
  X(ops_mmuext)       /* operations of mmuext_op carried out */                 \
  X(ops_va_mapping)   /* update_va_mapping carried out */                       \
  X(pte_updates)      /* entries of page tables written for the guest */        \
  X(fast_updates)     /* ... of them, those that moved no reference */          \
  X(plain_writes)     /* mmu_update requests that hit ordinary memory */        \
  X(machphys_updates) /* MMU_MACHPHYS_UPDATE requests */                        \
  X(emulated_writes)  /* stores to L1 tables carried out for the guest */       \
  X(demand_fills)     /* entries that became present at their first use */      \
  X(pins)                                                                       \
  X(unpins)                                                                     \
  X(base_pointer_loads) /* NEW_BASEPTR and NEW_USER_BASEPTR */                  \
  X(promotions)         /* frames that became a table, or a descriptor table */ \
  X(demotions)          /* ... and ceased to be one */                          \
  X(failed_promotions)                                                          \
  X(entries_validated) /* present entries checked by promotions */              \
  X(tlb_flush_all)                                                              \
  X(tlb_flush_single)                                                           \
  X(tlb_flushes_avoided)                                                        \
  X(done_faults) /* a result pointer that could not be written */               \
  X(refusals)    /* refused requests, whatever the cause */

struct MmuCounters {
#define PVMMU_COUNTER_FIELD(name) uint64_t name = 0;
  PVMMU_MMU_COUNTERS(PVMMU_COUNTER_FIELD)
#undef PVMMU_COUNTER_FIELD
  uint64_t refusals_by_errno[kErrnoLimit] = {};
  uint64_t refusals_by_rule[kRuleCount] = {};
};

}  // namespace pvmmu
