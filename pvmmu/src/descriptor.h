// What a guest may put in a descriptor table. [SDM 3A 3.4.5, 5.8.3]
//
// Not-present descriptors and code and data segments, which get DPL 3 because the guest runs there;
// and the all-zero type that fills the second half of a wide descriptor. System segments and gates
// would lead into ring 0, and are refused.
#pragma once

#include <stdint.h>

namespace pvmmu {

inline constexpr uint64_t kDescriptorPresent = uint64_t{1} << 47;
inline constexpr uint64_t kDescriptorDpl = uint64_t{3} << 45;
inline constexpr uint64_t kDescriptorCodeOrData = uint64_t{1} << 44;
inline constexpr uint64_t kDescriptorType = uint64_t{0x1f} << 40;  // with the code-or-data bit

// False if the descriptor is refused; otherwise makes it what must be stored.
constexpr bool adjust_descriptor(uint64_t& descriptor) {
  if ((descriptor & kDescriptorPresent) == 0) return true;
  if ((descriptor & kDescriptorCodeOrData) == 0 && (descriptor & kDescriptorType) != 0)
    return false;
  descriptor |= kDescriptorDpl;
  return true;
}

}  // namespace pvmmu
