// The bits of an x86-64 page-table entry. Only these classes see packed bits. [SDM 3A 4.5]
#pragma once

#include <stdint.h>

#include "base/frame.h"
#include "base/level.h"

namespace pvmmu {

inline constexpr uint64_t kPtePresent = uint64_t{1} << 0;
inline constexpr uint64_t kPteWritable = uint64_t{1} << 1;
inline constexpr uint64_t kPteUser = uint64_t{1} << 2;
inline constexpr uint64_t kPteWriteThrough = uint64_t{1} << 3;
inline constexpr uint64_t kPteCacheDisable = uint64_t{1} << 4;
inline constexpr uint64_t kPteAccessed = uint64_t{1} << 5;
inline constexpr uint64_t kPteDirty = uint64_t{1} << 6;
inline constexpr uint64_t kPtePageSize = uint64_t{1} << 7;  // L2 and L3; PAT in an L1 entry
inline constexpr uint64_t kPteGlobal = uint64_t{1} << 8;
inline constexpr uint64_t kPteAvailable = uint64_t{7} << 9;  // bits 9..11: software's
// In an L1 entry that is not present: the entry waits for its first use, and says what it is to be
// then. Means something only to domains that asked for it (guest_abi::kPvmmuOpFillOnDemand).
inline constexpr uint64_t kPteOnDemand = uint64_t{1} << 11;
inline constexpr uint64_t kPteNoExecute = uint64_t{1} << 63;
inline constexpr uint64_t kPteAccessedDirty = kPteAccessed | kPteDirty;
// Bits 12..51: the frame. Frames above the machine's memory are refused by the validator.
inline constexpr uint64_t kPteFrameMask = 0x000f'ffff'ffff'f000;

// One entry of a table of level L: an L1 entry where an L2 entry belongs does not compile.
template <PtLevel L>
class Pte {
 public:
  static constexpr PtLevel kLevel = L;
  constexpr Pte() = default;
  constexpr explicit Pte(uint64_t bits) : bits_(bits) {}
  constexpr Pte(Mfn frame, uint64_t flags) : bits_((frame.raw() << kPageShift) | flags) {}
  constexpr uint64_t raw() const { return bits_; }
  constexpr bool present() const { return (bits_ & kPtePresent) != 0; }
  constexpr bool writable() const { return (bits_ & kPteWritable) != 0; }
  constexpr Mfn frame() const { return Mfn((bits_ & kPteFrameMask) >> kPageShift); }
  constexpr uint64_t flags() const { return bits_ & ~kPteFrameMask; }
  constexpr Pte with(uint64_t set) const { return Pte(bits_ | set); }
  constexpr Pte without(uint64_t clear) const { return Pte(bits_ & ~clear); }
  friend constexpr bool operator==(Pte, Pte) = default;

 private:
  uint64_t bits_ = 0;
};

using L1Pte = Pte<PtLevel::kL1>;
using L2Pte = Pte<PtLevel::kL2>;
using L3Pte = Pte<PtLevel::kL3>;
using L4Pte = Pte<PtLevel::kL4>;

static_assert(sizeof(L1Pte) == 8);
static_assert(L1Pte(Mfn(0x12345), kPtePresent).frame() == Mfn(0x12345));

}  // namespace pvmmu
