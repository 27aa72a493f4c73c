// The machine as the interpreter finds it at CPL3: instructions that may fault, and system calls.
#pragma once

#include "guest_abi/syscall.h"
#include "interpreter/machine.h"

extern "C" {
// entry.S
struct GuardedResult {
  uint64_t value;  // or the address of the fault
  uint64_t fault;  // 0, or 1 << 63 | vector << 32 | error code
};
GuardedResult guarded_load(uint64_t address);
GuardedResult guarded_store(uint64_t address, uint64_t value);
GuardedResult guarded_fetch_add(uint64_t address, uint64_t value);
int64_t raw_syscall(guest_abi::Syscall number, uint64_t a0 = 0, uint64_t a1 = 0, uint64_t a2 = 0,
                    uint64_t a3 = 0, uint64_t a4 = 0, uint64_t a5 = 0);
[[noreturn]] void leave_thread(void* slot);
void interpreter_thread_entry();
void fault_handler();
}

namespace interpreter {

class NativeMachine final : public Machine {
 public:
  Access load(uint64_t address) override { return access(guarded_load(address)); }
  Access store(uint64_t address, uint64_t value) override {
    return access(guarded_store(address, value));
  }
  Access fetch_add(uint64_t address, uint64_t value) override {
    return access(guarded_fetch_add(address, value));
  }
  void crash(uint64_t address, bool write) override {
    if (write) {
      guarded_store(address, 0);
    } else {
      guarded_load(address);
    }
  }
  void pause() override { __builtin_ia32_pause(); }

 private:
  static Access access(GuardedResult result) {
    Access access;
    access.value = result.value;
    access.faulted = result.fault != 0;
    access.fault_address = result.value;
    access.vector = static_cast<uint32_t>(result.fault >> 32) & 0xff;
    access.error_code = static_cast<uint32_t>(result.fault);
    return access;
  }
};

}  // namespace interpreter
