// Copying a hypercall's structures from and to the guest, each wholly and once.
#pragma once

#include <cstdint>
#include <type_traits>

#include "hypercalls/services.h"

namespace vmm {

template <typename T>
bool read_argument(GuestAccess& access, pvmmu::LinearAddr from, T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  return access.read(from, &value, sizeof(T));
}

template <typename T>
bool write_argument(GuestAccess& access, pvmmu::LinearAddr to, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  return access.write(to, &value, sizeof(T));
}

// The address in one of Xen's guest handles: a pointer, or a structure that holds one.
template <typename Handle>
pvmmu::LinearAddr handle_address(const Handle& handle) {
  if constexpr (std::is_pointer_v<Handle>) {
    return pvmmu::LinearAddr(reinterpret_cast<uint64_t>(handle));
  } else {
    return pvmmu::LinearAddr(reinterpret_cast<uint64_t>(handle.p));
  }
}

}  // namespace vmm
