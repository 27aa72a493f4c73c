// The machine's memory: one host mapping, whose byte at offset A is machine address A, which is
// also KVM's guest-physical address A. The only place where a machine address becomes a host
// pointer.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/frame.h"

namespace vmm {

class MachineMemory {
 public:
  // Maps and populates `frame_count` zeroed frames.
  static absl::StatusOr<MachineMemory> create(uint64_t frame_count);
  MachineMemory(MachineMemory&& other) noexcept;
  MachineMemory& operator=(MachineMemory&&) = delete;
  ~MachineMemory();

  uint64_t frame_count() const { return size_ >> pvmmu::kPageShift; }
  std::byte* base() { return base_; }
  size_t size() const { return size_; }

  // The host's view of a frame, or nullptr where the machine has none.
  std::byte* frame(pvmmu::Mfn mfn) {
    return mfn.raw() < frame_count() ? base_ + (mfn.raw() << pvmmu::kPageShift) : nullptr;
  }
  // `size` bytes at a machine address, or nullptr unless all of them are in the machine.
  std::byte* range(pvmmu::Maddr address, size_t size) {
    if (size > size_ || address.raw() > size_ - size) return nullptr;
    return base_ + address.raw();
  }

 private:
  MachineMemory() = default;
  std::byte* base_ = nullptr;
  size_t size_ = 0;
};

}  // namespace vmm
