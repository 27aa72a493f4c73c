// The flags that a guest may run with, whatever it asks for.
#pragma once

#include <cstdint>

namespace vmm {

inline constexpr uint64_t kFlagCarry = 1u << 0, kFlagTrap = 1u << 8, kFlagInterrupt = 1u << 9,
                          kFlagIopl = 3u << 12, kFlagNestedTask = 1u << 14, kFlagResume = 1u << 16,
                          kFlagVm86 = 1u << 17;

// CF PF AF ZF SF TF DF OF RF AC ID are the guest's; interrupts are always open at CPL3, since the
// guest masks events by other means; IOPL, NT, VM are never set.
constexpr uint64_t guest_flags(uint64_t wanted) {
  return (wanted & 0x25'0dd5) | kFlagInterrupt | 2;
}

}  // namespace vmm
