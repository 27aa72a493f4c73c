// The machine's memory. The only place where a machine address becomes a host pointer.
//
// On KVM it is one host mapping, whose byte at offset A is machine address A, which is also KVM's
// guest-physical address A. The simulator arranges the domain's frames in the order of their pfns,
// so that its hosted kernel finds them side by side, and adds frames that are memory of the host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/frame.h"

namespace vmm {

class MachineMemory {
 public:
  // Maps and populates `frame_count` zeroed frames.
  static absl::StatusOr<MachineMemory> create(uint64_t frame_count);
  // The same, populated as they are touched. A fork of the process has a copy of its own.
  static absl::StatusOr<MachineMemory> create_unpopulated(uint64_t frame_count);
  MachineMemory(MachineMemory&& other) noexcept;
  MachineMemory& operator=(MachineMemory&&) = delete;
  ~MachineMemory();

  // The places of the frames `first` ... are in this order from now on; they hold nothing yet.
  void arrange(pvmmu::Mfn first, std::span<const pvmmu::Mfn> order);
  // Pages of the host become frames behind all others. Returns the first.
  pvmmu::Mfn lend(std::byte* pages, uint64_t count);

  // Without the lent ones.
  uint64_t frame_count() const { return size_ >> pvmmu::kPageShift; }
  // With them: every frame number is below.
  uint64_t frame_limit() const { return frame_count() + lent_.size(); }
  std::byte* base() { return base_; }
  size_t size() const { return size_; }
  // Where in base() a frame lies that is not lent.
  uint64_t place_of(pvmmu::Mfn mfn) const {
    return places_.empty() ? mfn.raw() : places_[mfn.raw()];
  }

  // The host's view of a frame, or nullptr where the machine has none.
  std::byte* frame(pvmmu::Mfn mfn) {
    if (mfn.raw() < frame_count()) return base_ + (place_of(mfn) << pvmmu::kPageShift);
    const uint64_t index = mfn.raw() - frame_count();
    return index < lent_.size() ? lent_[index] : nullptr;
  }
  // `size` bytes at a machine address, or nullptr unless all of them are in one frame.
  std::byte* range(pvmmu::Maddr address, size_t size) {
    std::byte* const page = frame(address.frame());
    if (page == nullptr || size > pvmmu::kPageSize - address.offset()) return nullptr;
    return page + address.offset();
  }

 private:
  MachineMemory() = default;
  static absl::StatusOr<MachineMemory> map(uint64_t frame_count, int populate);

  std::byte* base_ = nullptr;
  size_t size_ = 0;
  std::vector<uint32_t> places_;  // empty: every frame at its number
  std::vector<std::byte*> lent_;
};

}  // namespace vmm
