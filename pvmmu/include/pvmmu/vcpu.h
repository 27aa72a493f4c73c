// Names of virtual processors.
#pragma once

#include <stdint.h>

namespace pvmmu {

enum class VcpuId : uint32_t {};

// Bit i stands for vCPU i.
using VcpuMask = uint64_t;

inline constexpr unsigned kMaxVcpus = 64;

constexpr VcpuMask mask_of(VcpuId vcpu) {
  return VcpuMask{1} << (static_cast<uint32_t>(vcpu) % kMaxVcpus);
}

}  // namespace pvmmu
