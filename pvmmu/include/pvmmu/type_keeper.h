// References and types of frames: get and put, validation (promotion) and teardown (demotion).
//
// A frame is promoted when its first type reference is taken and demoted when the last one goes;
// promotion of a table promotes the tables below it, so the depth of recursion is bounded by the
// levels (and one same-level step on each).
//
// Long work
//   Promotion reads a table's entries upwards and takes their references; when the whole tree
//   passed, its entries are stored as they must be, which cannot fail. Demotion gives references
//   back downwards. Each may stop after any step (see StepBudget): then the frames on the way are
//   left in_progress (page_info.h), and the same get, or finish(), goes on from there.
//   A promotion that is refused is a demotion of what it has validated so far.
//
// Duties of the caller
//   After any get that failed and any put, call finish() until it does not say kRestart; no other
//   get or put may come before. (Not needed where only writable types can be involved.)
//
// get_ functions succeed, or are refused and have filled the refusal, or say kRestart. If they did
// not succeed, nothing has changed that a processor or the guest can see.
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
  void put_page(Mfn frame) { --frames_.at(frame).total_count; }

  // A reference that relies on the type: promotes the frame if it is the first. EINVAL if the frame
  // has another type or may not be named, or the error that its contents deserve.
  Errno get_page_and_type(Call& call, Mfn frame, PageType type);
  void put_page_and_type(MmuCounters& counters, Mfn frame);

  // get_page_and_type in two halves: validation, and the stores, which are never refused. Between
  // them a table can still be put as if nothing had happened to it.
  Errno get_validated(Call& call, Mfn frame, PageType type);
  Errno store_validated(Call& call, Mfn frame);

  // The reference that a present entry in `slot` of `table`, a whole table, takes or gives back.
  // get checks the entry's bits too.
  template <PtLevel L>
  Errno get_from_entry(Call& call, Pte<L> entry, Mfn table, unsigned slot);
  template <PtLevel L>
  void put_from_entry(MmuCounters& counters, Pte<L> entry, Mfn table);

  // Tears down what the last get or put left: kOk, or kRestart if there is more to do. A call that
  // stops in between takes the frame with it and brings it back.
  Errno finish(Call& call) { return has_unfinished() ? finish_teardown(call) : Errno::kOk; }
  bool has_unfinished() const { return unfinished_ != kInvalidMfn; }
  Mfn take_unfinished();
  void resume_unfinished(Mfn frame) { unfinished_ = frame; }

  // Fills the refusal and returns the error.
  [[gnu::cold]] Errno refuse(Call& call, Rule rule, Errno error, const char* reason);
  [[gnu::cold]] Errno refuse(Call& call, Rule rule, Errno error, const char* reason, Mfn frame);

 private:
  // --- page_reference.cc ---
  Errno get_type(Call& call, Mfn frame, PageType type);
  Errno get_writable_type(Call& call, Mfn frame);
  [[gnu::cold]] Errno refuse_type(Call& call, Mfn frame);
  bool put_type(MmuCounters& counters, Mfn frame);
  bool put_last_of_validated(MmuCounters& counters, Mfn frame);
  Errno get_leaf(Call& call, L1Pte entry, Mfn table, unsigned slot);
  void put_leaf(MmuCounters& counters, L1Pte entry);
  [[gnu::cold]] Errno refuse_leaf(Call& call, L1Pte entry);
  [[gnu::cold]] Errno refuse_bits(Call& call);
  // Names the entry in a refusal, unless a deeper one is named already.
  [[gnu::cold]] static void note_entry(Refusal& refusal, PtLevel level, Mfn table, unsigned slot,
                                       uint64_t entry);
  template <PtLevel L>
  Errno get_same_level(Call& call, Pte<L> entry, Mfn table);
  template <PtLevel L>
  Errno get_entry(Call& call, Pte<L> entry, Mfn table, unsigned slot);
  template <PtLevel L>
  bool put_entry(MmuCounters& counters, Pte<L> entry, Mfn table);

  // --- table_validator.cc ---
  Errno validate(Call& call, Mfn frame, PageType type);
  template <PtLevel L>
  Errno validate_table(Call& call, Mfn table);
  template <PtLevel L>
  bool needs_store(Pte<L> entry, Mfn table) const;
  Errno validate_descriptors(Call& call, Mfn frame);
  Errno store_table(Call& call, Mfn table);
  template <PtLevel L>
  Errno store_entries(Call& call, Mfn table);
  void store_entry(Mfn table, unsigned slot, uint64_t value);
  void fill_hypervisor_slots(Mfn table);

  // --- table_teardown.cc ---
  [[gnu::cold]] Errno finish_teardown(Call& call);
  void begin_teardown(MmuCounters& counters, Mfn table);
  Errno tear_down(Call& call, Mfn table);
  template <PtLevel L>
  Errno drop_entries(Call& call, Mfn table);
  template <PtLevel L>
  Errno drop_child_in_progress(Call& call, Mfn table);
  bool left_in_progress(PtLevel level, Mfn table, Mfn named) const;
  void become_none(Mfn frame);
  void clear_hypervisor_slots(Mfn table);

  Platform& platform_;
  FrameTable& frames_;
  TlbLedger& tlb_;
  const uint32_t count_limit_;
  Mfn unfinished_ = kInvalidMfn;
};

}  // namespace pvmmu
