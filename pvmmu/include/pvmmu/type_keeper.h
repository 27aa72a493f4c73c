// References and types of frames: get and put, validation (promotion) and teardown (demotion).
//
// get_ functions either succeed or change nothing, and then have filled the refusal. put_ functions
// cannot fail. A frame is promoted when its first type reference is taken and demoted when the last
// one goes; promotion of a table promotes the tables below it, so the depth of recursion is bounded
// by the levels (and one same-level step on each).
//
// Does not write entries for the guest; see EntryWriter for that.
#pragma once

#include "base/errno.h"
#include "base/pte.h"
#include "pvmmu/call.h"
#include "pvmmu/frame_table.h"
#include "pvmmu/page_info.h"
#include "pvmmu/platform.h"
#include "pvmmu/tlb_ledger.h"

namespace pvmmu {

// Slots of an L4 table that belong to the hypervisor.
inline constexpr unsigned kFirstHypervisorSlot = 256;
inline constexpr unsigned kLastHypervisorSlot = 271;

constexpr bool is_hypervisor_slot(PtLevel level, unsigned slot) {
  return level == PtLevel::kL4 && slot >= kFirstHypervisorSlot && slot <= kLastHypervisorSlot;
}

class TypeKeeper {
 public:
  TypeKeeper(Platform& platform, FrameTable& frames, TlbLedger& tlb, uint32_t count_limit)
      : platform_(platform), frames_(frames), tlb_(tlb), count_limit_(count_limit) {}

  // A reference that relies on no type. EINVAL if the guest may not name the frame.
  Errno get_page(Call& call, Mfn frame);
  void put_page(Mfn frame);

  // A reference that relies on the type: promotes the frame if it is the first. EINVAL if the frame
  // has another type or may not be named, or the error that its contents deserve.
  Errno get_page_and_type(Call& call, Mfn frame, PageType type);
  void put_page_and_type(MmuCounters& counters, Mfn frame);

  // The reference that a present entry in `slot` of `table` takes, or gives back. get checks the
  // entry's bits too.
  template <PtLevel L>
  Errno get_from_entry(Call& call, Pte<L> entry, Mfn table, unsigned slot);
  template <PtLevel L>
  void put_from_entry(MmuCounters& counters, Pte<L> entry, Mfn table);

  // Fills the refusal and returns the error.
  Errno refuse(Call& call, Rule rule, Errno error, const char* reason);
  Errno refuse(Call& call, Rule rule, Errno error, const char* reason, Mfn frame);

 private:
  Errno get_type(Call& call, Mfn frame, PageType type);
  void put_type(MmuCounters& counters, Mfn frame);
  Errno get_leaf(Call& call, L1Pte entry);
  template <PtLevel L>
  Errno get_same_level(Call& call, Pte<L> entry, Mfn table);

  Errno validate(Call& call, Mfn frame, PageType type);
  Errno validate_contents(Call& call, Mfn frame, PageType type);
  template <PtLevel L>
  Errno validate_table(Call& call, Mfn table);
  template <PtLevel L>
  void commit_table(Mfn table);
  void remember_to_commit(Mfn table);
  void commit_pending();
  void tear_down(MmuCounters& counters, Mfn frame, PageType type);
  template <PtLevel L>
  void drop_entries(MmuCounters& counters, Mfn table, unsigned count);
  void fill_hypervisor_slots(Mfn table);
  void clear_hypervisor_slots(Mfn table);
  Errno validate_descriptors(Call& call, Mfn frame);
  void store_entry(Mfn table, unsigned slot, uint64_t value);

  Platform& platform_;
  FrameTable& frames_;
  TlbLedger& tlb_;
  const uint32_t count_limit_;
  // The promotion under way: how deep it is, and the tables it has validated but not stored yet.
  unsigned depth_ = 0;
  Mfn pending_ = kInvalidMfn;
};

}  // namespace pvmmu
