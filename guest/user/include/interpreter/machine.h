// How the interpreter touches the memory of its process. The real one executes the instruction and
// catches the fault; a simulator walks page tables in software.
#pragma once

#include <stdint.h>

namespace interpreter {

inline constexpr uint32_t kPageFaultVector = 14;
// Bits of a page fault's error code. [SDM 3A 4.7]
inline constexpr uint32_t kFaultPresent = 1;
inline constexpr uint32_t kFaultWrite = 2;

// What came of one access to one aligned word.
struct Access {
  uint64_t value = 0;  // what was read; the old value of a fetch_add
  bool faulted = false;
  uint64_t fault_address = 0;
  uint32_t vector = 0;
  uint32_t error_code = 0;
};

// Addresses are multiples of 8 inside the arena. Demand paging is not a fault: only what the
// kernel could not resolve is reported.
class Machine {
 public:
  virtual Access load(uint64_t address) = 0;
  virtual Access store(uint64_t address, uint64_t value) = 0;
  virtual Access fetch_add(uint64_t address, uint64_t value) = 0;
  // An access without a fault handler; returns only if it did not fault.
  virtual void crash(uint64_t address, bool write) = 0;
  // A short while on the processor.
  virtual void pause() = 0;

 protected:
  ~Machine() = default;
};

}  // namespace interpreter
