// Plain and atomic accesses to entries of L1 tables through the direct map.
//
// On a table that the hypervisor has typed the stores fault, and it emulates them: so each of these
// must be one instruction of the kind that it knows (mov, xchg, lock and). Everything that touches
// live entries goes through here, so that another engine can put itself in between.
#pragma once

#include <stdint.h>

namespace kernel {

#ifdef KERNEL_ARCH_SIM

// Where the processor is simulated, its stores are walked and fault (arch/sim/entry_memory.cc).
uint64_t entry_load(const uint64_t* entry);
void entry_store(uint64_t* entry, uint64_t value);
uint64_t entry_exchange(uint64_t* entry, uint64_t value);
void entry_clear_bits(uint64_t* entry, uint64_t bits);

#else

inline uint64_t entry_load(const uint64_t* entry) {
  return __atomic_load_n(entry, __ATOMIC_ACQUIRE);
}

inline void entry_store(uint64_t* entry, uint64_t value) {
  __atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

inline uint64_t entry_exchange(uint64_t* entry, uint64_t value) {
  return __atomic_exchange_n(entry, value, __ATOMIC_SEQ_CST);
}

// The old value is not asked for: then this is one `lock and`, not a loop.
inline void entry_clear_bits(uint64_t* entry, uint64_t bits) {
  __atomic_and_fetch(entry, ~bits, __ATOMIC_SEQ_CST);
}

#endif  // KERNEL_ARCH_SIM

}  // namespace kernel
