// Frame numbers and byte addresses as types that do not mix.
//
// Mfn   machine frame number; a machine address is the KVM guest-physical address
// Pfn   the domain's pseudo-physical frame number
// Maddr machine byte address, Paddr pseudo-physical byte address
// All are explicit to construct; arithmetic exists only where it means something.
#pragma once

#include <stdint.h>

#include <compare>

namespace pvmmu {

inline constexpr unsigned kPageShift = 12;
inline constexpr uint64_t kPageSize = uint64_t{1} << kPageShift;
inline constexpr uint64_t kPageMask = ~(kPageSize - 1);

// A frame number of one kind. Frame numbers are ordered, and a distance may be added.
template <typename Tag>
class FrameNumber {
 public:
  constexpr FrameNumber() = default;
  constexpr explicit FrameNumber(uint64_t number) : number_(number) {}
  constexpr uint64_t raw() const { return number_; }
  friend constexpr auto operator<=>(FrameNumber, FrameNumber) = default;
  friend constexpr bool operator==(FrameNumber, FrameNumber) = default;
  constexpr FrameNumber operator+(uint64_t count) const { return FrameNumber(number_ + count); }

 private:
  uint64_t number_ = ~uint64_t{0};
};

using Mfn = FrameNumber<struct MfnTag>;
using Pfn = FrameNumber<struct PfnTag>;
inline constexpr Mfn kInvalidMfn{};
inline constexpr Pfn kInvalidPfn{};

// A byte address whose page is named by the frame-number type Frame.
template <typename Frame>
class FrameAddress {
 public:
  constexpr FrameAddress() = default;
  constexpr explicit FrameAddress(uint64_t address) : address_(address) {}
  constexpr FrameAddress(Frame frame, uint64_t offset)
      : address_((frame.raw() << kPageShift) + offset) {}
  constexpr uint64_t raw() const { return address_; }
  constexpr Frame frame() const { return Frame(address_ >> kPageShift); }
  constexpr uint64_t offset() const { return address_ & ~kPageMask; }
  friend constexpr auto operator<=>(FrameAddress, FrameAddress) = default;
  friend constexpr bool operator==(FrameAddress, FrameAddress) = default;
  constexpr FrameAddress operator+(uint64_t bytes) const { return FrameAddress(address_ + bytes); }

 private:
  uint64_t address_ = 0;
};

using Maddr = FrameAddress<Mfn>;
using Paddr = FrameAddress<Pfn>;

}  // namespace pvmmu
