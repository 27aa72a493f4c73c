// The accelerator's operations, typed (guest_abi/accelerator.h). Results are 0 or a negative errno.
#pragma once

#include <stdint.h>

#include "arch/hypercall.h"
#include "base/frame.h"
#include "guest_abi/accelerator.h"

namespace kernel {

template <typename... Args>
inline int64_t accelerator_call(guest_abi::AcceleratorOp op, Args... args) {
  return hypercall(guest_abi::kHypercallPvmmuOp, guest_abi::kPvmmuOpAccelerator, op, args...);
}

// The event channel's port.
inline int64_t accelerator_call_start(pvmmu::Mfn reports) {
  return accelerator_call(guest_abi::AcceleratorOp::kStart, reports.raw());
}
inline int64_t accelerator_call_open(uint32_t context) {
  return accelerator_call(guest_abi::AcceleratorOp::kOpen, context);
}
inline int64_t accelerator_call_close(uint32_t context) {
  return accelerator_call(guest_abi::AcceleratorOp::kClose, context);
}
inline int64_t accelerator_call_submit(const guest_abi::AcceleratorCommand& command) {
  return accelerator_call(guest_abi::AcceleratorOp::kSubmit, hypercall_pointer(&command));
}
inline int64_t accelerator_call_establish(uint32_t context, uint64_t address, pvmmu::Mfn frame,
                                          bool write) {
  return accelerator_call(guest_abi::AcceleratorOp::kEstablish, context, address, frame.raw(),
                          write ? 1 : 0);
}
inline int64_t accelerator_call_invalidate(uint32_t context, uint64_t start, uint64_t end) {
  return accelerator_call(guest_abi::AcceleratorOp::kInvalidate, context, start, end - start);
}
inline int64_t accelerator_call_clear_young(uint32_t context, uint64_t start, unsigned page_count,
                                            uint64_t* young) {
  return accelerator_call(guest_abi::AcceleratorOp::kClearYoung, context, start, page_count,
                          hypercall_pointer(young));
}
inline int64_t accelerator_call_resume(uint32_t tag, uint32_t context, unsigned error) {
  return accelerator_call(guest_abi::AcceleratorOp::kResume, tag, context, error);
}

}  // namespace kernel
