// The references of L1 entries: in line, because promotion and demotion of a table make 512 of
// them.
#pragma once

#include "base/mutant.h"
#include "entry_bits.h"
#include "pvmmu/type_keeper.h"

namespace pvmmu {

inline Errno TypeKeeper::get_leaf(Call& call, L1Pte entry, Mfn table, unsigned slot) {
  const Mfn frame = entry.frame();
  PageInfo* page = frames_.find_guest(frame);
  if (kMutated<Mutant::foreign_frame_mapped> && frames_.contains(frame)) page = &frames_.at(frame);
  const bool fits = page != nullptr && !has_refused_bits(entry) &&
                    (page->total_count < count_limit_ || kMutated<Mutant::count_limit_ignored>);
  if (!fits || (entry.writable() && get_writable_type(call, frame) != Errno::kOk)) [[unlikely]] {
    const Errno error = refuse_leaf(call, entry);
    note_entry(call.refusal, PtLevel::kL1, table, slot, entry.raw());
    return error;
  }
  ++page->total_count;
  return Errno::kOk;
}

inline void TypeKeeper::put_leaf(MmuCounters& counters, L1Pte entry) {
  if (entry.writable()) put_type(counters, entry.frame());
  put_page(entry.frame());
}

}  // namespace pvmmu
