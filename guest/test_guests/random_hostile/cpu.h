// A vCPU of the random hostile guest: its random numbers, its counts, its room for arguments.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "random_hostile/random.h"
#include "random_hostile/tally.h"
#include "runtime/hypercall.h"
#include "runtime/memory.h"
#include "runtime/traps.h"

namespace random_hostile {

using test_guest::address_of;
using test_guest::kPageSize;

inline constexpr unsigned kMaxCpus = 2;

// Pages of each vCPU for the arguments of its calls: some to fill, then one that is not mapped, one
// that may be written, and one that may only be read.
struct ArgumentPages {
  static constexpr unsigned kCount = 7;
  static constexpr unsigned kUsable = 4, kUnmapped = 4, kAfter = 5, kReadOnly = 6;
  uint8_t* pages;

  uint8_t* page(unsigned number) const { return pages + number * kPageSize; }
};

struct Cpu {
  unsigned id = 0;
  Random random;
  Tally tally;
  ArgumentPages arguments{};
  size_t arguments_used = 0;

  // Room for the arguments of one call; what was handed out stays until the next round, or until
  // the room is used up.
  void* allocate(size_t size);
  template <typename T>
  T* allocate_array(unsigned count) {
    return static_cast<T*>(allocate(count * sizeof(T)));
  }
  void new_round() { arguments_used = 0; }

  // A hypercall, counted.
  int64_t call(unsigned number, uint64_t arg1 = 0, uint64_t arg2 = 0, uint64_t arg3 = 0,
               uint64_t arg4 = 0, uint64_t arg5 = 0);

  // Runs code that may trap: true if it did not.
  template <typename Function>
  bool survives(Function function) {
    if (!test_guest::attempt(function).happened) return true;
    ++tally.traps;
    return false;
  }
  bool load(uint64_t address, uint64_t& value);
  bool store(uint64_t address, uint64_t value);
};

// Maps the pages of the vCPU as ArgumentPages says; on any vCPU, once for each.
void set_up_cpu(unsigned id, uint64_t seed);
Cpu& cpu_of(unsigned id);
unsigned cpu_count();  // that run
void set_cpu_count(unsigned count);

// Registers all handlers again: what other calls may have taken away.
void restore_handlers();

}  // namespace random_hostile
