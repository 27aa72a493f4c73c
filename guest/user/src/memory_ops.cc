// Ops on the words of pages, and what their faults mean.
#include "interpreter/interpreter.h"

namespace interpreter {

using guest_abi::Opcode;

namespace {
constexpr unsigned kWordsPerPage = 512;
constexpr uint64_t kWordBytes = 8;
}  // namespace

bool Interpreter::address_allowed(uint64_t address) const {
  return address % kWordBytes == 0 && address >= guest_abi::kArenaBase &&
         address < guest_abi::kArenaLimit;
}

Interpreter::Flow Interpreter::access_memory(Thread& thread, const Op& op) {
  uint64_t* const r = thread.registers;
  const uint64_t address = r[op.a];
  if (!address_allowed(address)) {
    return fail(thread, op, "the address is outside the regions");
  }
  const Access access = op.code == Opcode::kLoad    ? machine_.load(address)
                        : op.code == Opcode::kStore ? machine_.store(address, r[op.b])
                                                    : machine_.fetch_add(address, r[op.b]);
  if (access.faulted) {
    return fail_access(thread, op, address, access);
  }
  if (op.code != Opcode::kStore) {
    r[op.d] = access.value;
  }
  return Flow::kNext;
}

Interpreter::Flow Interpreter::try_access(Thread& thread, const Op& op) {
  uint64_t* const r = thread.registers;
  const uint64_t address = r[op.a];
  if (!address_allowed(address)) {
    return fail(thread, op, "the address is outside the regions");
  }
  const bool write = op.code == Opcode::kTryStore;
  const Access access = write ? machine_.store(address, r[op.b]) : machine_.load(address);
  if (access.faulted) {
    const bool fault_is_write = (access.error_code & kFaultWrite) != 0;
    if (access.vector != kPageFaultVector || access.fault_address != address ||
        fault_is_write != write) {
      return fail_access(thread, op, address, access);
    }
  }
  r[op.d] = access.faulted ? 0 : 1;
  return Flow::kNext;
}

Interpreter::Flow Interpreter::fill(Thread& thread, const Op& op) {
  const uint64_t page = thread.registers[op.a];
  if (!address_allowed(page) || page % 4096 != 0) {
    return fail(thread, op, "the address is outside the regions");
  }
  for (unsigned i = 0; i < kWordsPerPage; ++i) {
    const uint64_t address = page + i * kWordBytes;
    const Access access = machine_.store(address, thread.registers[op.b] + i);
    if (access.faulted) {
      return fail_access(thread, op, address, access);
    }
  }
  return Flow::kNext;
}

Interpreter::Flow Interpreter::verify(Thread& thread, const Op& op) {
  const uint64_t page = thread.registers[op.a];
  if (!address_allowed(page) || page % 4096 != 0) {
    return fail(thread, op, "the address is outside the regions");
  }
  for (unsigned i = 0; i < kWordsPerPage; ++i) {
    const uint64_t address = page + i * kWordBytes;
    const uint64_t expected = thread.registers[op.b] + i;
    const Access access = machine_.load(address);
    if (access.faulted) {
      return fail_access(thread, op, address, access);
    }
    if (access.value != expected) {
      return fail_result(thread, op, static_cast<int64_t>(access.value),
                         static_cast<int64_t>(expected));
    }
  }
  return Flow::kNext;
}

}  // namespace interpreter
