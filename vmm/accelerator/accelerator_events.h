// What the accelerator does, told to somebody who watches it (docs/trace.md).
#pragma once

#include <cstdint>
#include <span>

#include "accelerator/translations.h"
#include "guest_abi/accelerator.h"

namespace vmm {

struct DeviceAccess {
  DevicePage page;
  pvmmu::Mfn frame;
  bool write = false;
};

// An event is told where its counter is raised, with the device's mutex held, on whatever thread
// does it. `cache_hits`: how many there were since the last event that says so.
class AcceleratorEvents {
 public:
  virtual void submitted(const guest_abi::AcceleratorCommand& command) = 0;
  // `error`: an errno; 0: it ended well.
  virtual void ended(const guest_abi::AcceleratorCommand& command, uint64_t error,
                     uint64_t result) = 0;
  virtual void forgotten(const guest_abi::AcceleratorCommand& command) = 0;
  virtual void faulted(const guest_abi::AcceleratorCommand& command, uint64_t address, bool write,
                       uint64_t cache_hits) = 0;
  // The part of the command that is `size` bytes from `offset` on. `places`: where that is, then
  // where a copy reads.
  virtual void access_begins(const guest_abi::AcceleratorCommand& command, uint64_t offset,
                             uint64_t size, std::span<const DeviceAccess> places,
                             uint64_t cache_hits) = 0;
  virtual void access_ends() = 0;
  virtual void established(const DeviceAccess& entry) = 0;
  virtual void invalidated(uint64_t context, uint64_t address, uint64_t end) = 0;
  // An entry that has left is accessed no more; its frame's reference goes back.
  virtual void let_go(pvmmu::Mfn frame) = 0;

 protected:
  ~AcceleratorEvents() = default;
};

}  // namespace vmm
