// Which bits a guest may put in a page-table entry, and which it gets whether it wants or not.
//
//   refused   PWT, PCD and PAT (no device memory here), superpages and GLOBAL above L1, and bit 62
//             of an L1 entry, which Xen keeps for itself. Frames are checked elsewhere.
//   forced on USER, because guest kernels run at CPL3 too.
//   dropped   GLOBAL of an L1 entry: every flush here relies on a base-pointer load to drop all.
// An entry that is not present is the guest's own business and stays as written.
#pragma once

#include <stdint.h>

#include "base/mutant.h"
#include "base/pte.h"

namespace pvmmu {

template <PtLevel L>
inline constexpr uint64_t kRefusedBits = kPteWriteThrough | kPteCacheDisable | kPtePageSize |
                                         (L == PtLevel::kL1 ? uint64_t{1} << 62 : kPteGlobal);

template <PtLevel L>
constexpr bool has_refused_bits(Pte<L> entry) {
  if (kMutated<Mutant::superpage_bit_ignored> && L == PtLevel::kL2) {
    return (entry.raw() & kRefusedBits<L> & ~kPtePageSize) != 0;
  }
  return (entry.raw() & kRefusedBits<L>) != 0;
}

// The entry as it is stored when the guest asks for `wanted`.
template <PtLevel L>
constexpr Pte<L> adjusted_entry(Pte<L> wanted) {
  if (!wanted.present()) return wanted;
  if (kMutated<Mutant::user_bit_not_forced>) return wanted;
  if constexpr (L == PtLevel::kL1) return wanted.with(kPteUser).without(kPteGlobal);
  return wanted.with(kPteUser);
}

// Whether replacing one entry by the other takes or gives back a reference: everything but the
// frame and the permission to write it may change without.
template <PtLevel L>
constexpr bool moves_reference(Pte<L> before, Pte<L> after) {
  const uint64_t changed = before.raw() ^ after.raw();
  if ((changed & kPtePresent) != 0) return true;
  const bool upper_kept = kMutated<Mutant::linear_entry_made_writable> && L != PtLevel::kL1;
  return before.present() && (changed & (kPteFrameMask | (upper_kept ? 0 : kPteWritable))) != 0;
}

static_assert(adjusted_entry(L1Pte(kPteWritable)).raw() == kPteWritable);
static_assert(kMutated<Mutant::user_bit_not_forced> ||
              adjusted_entry(L1Pte(kPtePresent | kPteGlobal)).raw() == (kPtePresent | kPteUser));
static_assert(!moves_reference(L2Pte(Mfn(1), kPtePresent), L2Pte(Mfn(1), kPtePresent | kPteUser)));
static_assert(kMutated<Mutant::linear_entry_made_writable> ||
              moves_reference(L2Pte(Mfn(1), kPtePresent),
                              L2Pte(Mfn(1), kPtePresent | kPteWritable)));

}  // namespace pvmmu
