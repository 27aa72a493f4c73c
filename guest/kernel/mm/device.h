// A device whose memory processes may map: frames that belong to its driver.
//
// Entries for them are special (pv/user_pte.h): nobody counts their references, zap gives nothing
// back, fork copies the entry as it is, and nothing of it is copied on write, aged out or swapped.
#pragma once

#include <stdint.h>

#include "base/frame.h"
#include "guest_abi/syscall.h"

namespace kernel {

// The frame behind page `number` (< kDevicePages) of the device. Taken from memory when it is first
// asked for, zeroed, and never given back. False: memory is out.
bool device_frame(uint64_t number, pvmmu::Mfn& frame);

}  // namespace kernel
