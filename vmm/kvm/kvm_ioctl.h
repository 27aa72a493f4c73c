// <linux/kvm.h> for C++.
//
// Structures that end in a flexible array have another size in C++ than in C, and that size is part
// of the ioctl number. The numbers concerned are made here from the C sizes, and asserted.
#pragma once

#include <linux/kvm.h>
#include <sys/ioctl.h>

namespace vmm {

inline constexpr unsigned long kGetSupportedCpuid = _IOC(_IOC_READ | _IOC_WRITE, KVMIO, 0x05, 8);
inline constexpr unsigned long kSetMsrs = _IOC(_IOC_WRITE, KVMIO, 0x89, 8);
inline constexpr unsigned long kGetMsrs = _IOC(_IOC_READ | _IOC_WRITE, KVMIO, 0x88, 8);
inline constexpr unsigned long kSetCpuid2 = _IOC(_IOC_WRITE, KVMIO, 0x90, 8);
inline constexpr unsigned long kSetSignalMask = _IOC(_IOC_WRITE, KVMIO, 0x8b, 4);
static_assert(kSetCpuid2 == 0x4008ae90 && kSetMsrs == 0x4008ae89);

}  // namespace vmm
