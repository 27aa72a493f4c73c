// A write to memory by an instruction, as the emulator of a store to a page table needs it.
#pragma once

#include <stdint.h>

#include "base/errno.h"

namespace pvmmu {

struct WriteOperation {
  enum class Kind : uint8_t {
    kStore,            // mov: replaces
    kExchange,         // xchg: replaces, returns the old value
    kCompareExchange,  // lock cmpxchg: replaces with operand if the old value equals comparand
    kAnd,              // lock and
    kOr,               // lock or
    kBitSet,           // lock bts: operand is a mask of one bit, already folded into the address
    kBitReset,         // lock btr: the same
  };

  Kind kind = Kind::kStore;
  unsigned width = 8;      // bytes: 1, 2, 4 or 8
  uint64_t operand = 0;    // zero-extended from width
  uint64_t comparand = 0;  // for kCompareExchange
};

struct EmulationResult {
  enum class Status : uint8_t {
    kDone,     // the memory access took place (or kCompareExchange found another value)
    kNotOurs,  // no store to an L1 table through a read-only mapping: the fault is the guest's
    kRefused,  // it is one, and a rule forbids it; error says why, and the refusal is filled
  };

  Status status = Status::kNotOurs;
  Errno error = Errno::kOk;
  uint64_t old_value = 0;  // zero-extended from width, as the instruction would have read it
  bool exchanged = false;  // kCompareExchange: ZF
};

}  // namespace pvmmu
