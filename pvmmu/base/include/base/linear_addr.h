// A linear address: what the guest's instructions use. Canonical form is a question, not an
// invariant, because guests pass anything.
#pragma once

#include <stdint.h>

#include <compare>
#include "base/frame.h"
#include "base/level.h"

namespace pvmmu {

class LinearAddr {
 public:
  constexpr LinearAddr() = default;
  constexpr explicit LinearAddr(uint64_t address) : address_(address) {}
  constexpr uint64_t raw() const { return address_; }
  constexpr uint64_t offset() const { return address_ & ~kPageMask; }
  constexpr LinearAddr page() const { return LinearAddr(address_ & kPageMask); }
  constexpr bool canonical() const {
    const uint64_t top = address_ >> 47;
    return top == 0 || top == 0x1ffff;
  }
  constexpr unsigned index(PtLevel level) const {
    return static_cast<unsigned>(address_ >> level_shift(level)) & (kEntriesPerTable - 1);
  }
  friend constexpr auto operator<=>(LinearAddr, LinearAddr) = default;
  friend constexpr bool operator==(LinearAddr, LinearAddr) = default;
  constexpr LinearAddr operator+(uint64_t bytes) const { return LinearAddr(address_ + bytes); }

 private:
  uint64_t address_ = 0;
};

}  // namespace pvmmu
