#include "mm/device.h"

#include "mm/page.h"
#include "panic.h"
#include "spinlock.h"

namespace kernel {
namespace {

constinit Spinlock lock;
constinit Page* frames[guest_abi::kDevicePages] = {};

}  // namespace

bool device_frame(uint64_t number, pvmmu::Mfn& frame) {
  kernel_assert(number < guest_abi::kDevicePages, "a page that the device does not have");
  SpinlockGuard guard(lock);
  if (frames[number] == nullptr) {
    frames[number] = alloc_permanent_frame();
  }
  if (frames[number] == nullptr) {
    return false;
  }
  frame = mfn_of(*frames[number]);
  return true;
}

}  // namespace kernel
