// Plain stores and locked operations on tables, in the instructions that the hypervisor emulates
// and in some that it does not.
#include "random_hostile/actions.h"
#include "random_hostile/pool.h"
#include "random_hostile/values.h"

namespace random_hostile {
namespace {

using Store = void (*)(volatile uint64_t* at, uint64_t value, uint64_t other);

#define STORE(text, constraint)                                                             \
  [](volatile uint64_t* at, uint64_t value, uint64_t other) {                               \
    asm volatile(text : "+m"(*at), "+r"(value), "+a"(other) : constraint : "cc", "memory"); \
  }

constexpr Store kStores[] = {
    STORE("movq %1, %0", ),       STORE("movl %k1, %0", ),
    STORE("movw %w1, %0", ),      STORE("movb %b1, %0", ),
    STORE("movnti %1, %0", ),     STORE("xchgq %1, %0", ),
    STORE("xchgl %k1, %0", ),     STORE("lock cmpxchgq %1, %0", ),
    STORE("cmpxchgl %k1, %0", ),  STORE("lock orq %1, %0", ),
    STORE("orb %b1, %0", ),       STORE("lock andq %1, %0", ),
    STORE("andl %k1, %0", ),      STORE("lock btsq %1, %0", ),
    STORE("lock btsq $1, %0", ),  STORE("lock btrq $1, %0", ),
    STORE("lock btrq $6, %0", ),  STORE("btcq $1, %0", ),
    STORE("lock xaddq %1, %0", ), STORE("addq %1, %0", ),
    STORE("incq %0", ),           STORE("notq %0", ),
    STORE("movq $0, %0", ),       STORE("popq %0\n\tpushq %0", ),
    STORE("setc %0", ),           STORE("movq %1, %%xmm0\n\tmovups %%xmm0, %0", ),
};
#undef STORE

void repeated_store(uint64_t address, uint64_t value, uint64_t count) {
  asm volatile("rep stosq" : "+D"(address), "+c"(count) : "a"(value) : "memory");
}

// An entry of a live table, through a read-only mapping of it.
uint64_t entry_address(Random& random) {
  const unsigned kind = random.below(10);
  if (kind < 6) return window_table_address() + random.below(kFrameCount) * 8;
  const unsigned level = 1 + random.below(3);
  return frame_address(recent_table(random, level)) + random_slot(random) * 8;
}

}  // namespace

void store_to_tables(Cpu& cpu) {
  Random& random = cpu.random;
  for (unsigned count = 1 + random.below(4); count != 0; --count) {
    uint64_t address = entry_address(random);
    if (random.percent(5)) address += random.below(8);
    const uint64_t value = random_entry(random, random.percent(85) ? 1 : 2);
    if (random.percent(3)) {
      cpu.survives([=] { repeated_store(address, value, 4); });
      continue;
    }
    // For a comparison: often what is there.
    uint64_t expected = value;
    if (random.percent(70)) cpu.load(address, expected);
    const Store store = random.pick(kStores);
    cpu.survives([=] { store(reinterpret_cast<volatile uint64_t*>(address), value, expected); });
  }
}

void store_storm(Cpu& cpu) {
  Random& random = cpu.random;
  uint64_t addresses[8];
  for (uint64_t& address : addresses) address = random_mapped_address(random) & ~uint64_t{7};
  cpu.survives([&] {
    for (unsigned i = 0; i < 2000; ++i) {
      auto* place = reinterpret_cast<volatile uint64_t*>(addresses[random.below(8)]);
      if (random.one_in(4)) {
        (void)*place;
      } else {
        *place = random_entry(random, 1);
      }
    }
  });
}

}  // namespace random_hostile
