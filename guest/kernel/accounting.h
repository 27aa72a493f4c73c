// What the kernel tells the VMM about itself, through pages that the VMM reads at every trap: the
// phase of the workload, the operation under way, and counters for both.
//
// Costs plain stores, never a trap. Each processor writes its own page alone, but for the phase,
// which is one for the whole guest and written to all of them.
#pragma once

#include <stdint.h>

#include "guest_abi/accounting.h"

namespace kernel {

using guest_abi::Operation;

// Hands the pages of all `cpus` processors to the VMM. A VMM that does not know the call loses
// nothing but the counters.
void accounting_start(unsigned cpus);
void accounting_set_exit_code(uint32_t code);

// Returns the phase that was. An index out of range is the caller's error and changes nothing.
uint32_t accounting_set_phase(uint32_t phase);
uint32_t accounting_phase();

Operation accounting_operation();
// Returns the operation that was.
Operation accounting_set_operation(Operation operation);

// Adds to a counter, of the current phase and of the current operation.
void accounting_count(uint64_t guest_abi::GuestCounters::*counter, uint64_t amount = 1);
// Raises the maximum of pte locks held at once.
void accounting_max_locks(uint64_t locks_held);

// What the rule checker tells the VMM. Its writer has a lock of its own.
guest_abi::PteRuleReport& accounting_rules();

inline void count_pte_update() {
  accounting_count(&guest_abi::GuestCounters::pte_updates);
}

// Names the operation until the scope ends, then the one before again. A scope may span a context
// switch: the operation belongs to the thread.
class OperationScope {
 public:
  explicit OperationScope(Operation operation) : before_(accounting_set_operation(operation)) {}
  ~OperationScope() { accounting_set_operation(before_); }
  OperationScope(const OperationScope&) = delete;
  OperationScope& operator=(const OperationScope&) = delete;

 private:
  Operation before_;
};

// Sets the phase until the scope ends.
class PhaseScope {
 public:
  explicit PhaseScope(uint32_t phase) : before_(accounting_set_phase(phase)) {}
  ~PhaseScope() { accounting_set_phase(before_); }
  PhaseScope(const PhaseScope&) = delete;
  PhaseScope& operator=(const PhaseScope&) = delete;

 private:
  uint32_t before_;
};

}  // namespace kernel
