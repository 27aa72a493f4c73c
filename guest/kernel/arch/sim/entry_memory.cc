#include "mm/pv/entry_memory.h"

#include "arch/memory.h"
#include "arch/sim/entry.h"
#include "yield_point.h"

namespace kernel {

// A load cannot fault: the direct map always maps every frame.
uint64_t entry_load(const uint64_t* entry) {
  return __atomic_load_n(entry, __ATOMIC_ACQUIRE);
}

void entry_store(uint64_t* entry, uint64_t value) {
  yield_point(YieldPoint::store, entry);
  sim::perform_store(sim::Store::kMove, linear_address(entry), value);
}

uint64_t entry_exchange(uint64_t* entry, uint64_t value) {
  yield_point(YieldPoint::exchange, entry);
  return sim::perform_store(sim::Store::kExchange, linear_address(entry), value);
}

void entry_clear_bits(uint64_t* entry, uint64_t bits) {
  yield_point(YieldPoint::clear_bits, entry);
  sim::perform_store(sim::Store::kAnd, linear_address(entry), ~bits);
}

}  // namespace kernel
