// The change of one entry of a validated table: validate what it will be, commit by
// compare-exchange against exactly what was validated, give back what it was.
//
// A processor may set Accessed and Dirty at any moment, so a commit can find another value than was
// read: then it is done again with the new value. Nothing but these two bits changes under the
// MMU's lock, so the reference that was taken serves the next attempt too; and processors only set
// them, so the third attempt succeeds; kAttempts allows for more and then refuses.
//
// For a table above L1 both the reference taken and the one given back can be long work: kRestart
// says that nothing was changed yet. The caller finishes as TypeKeeper demands.
#pragma once

#include "base/errno.h"
#include "base/mutant.h"
#include "base/pte.h"
#include "entry_bits.h"
#include "pvmmu/call.h"
#include "pvmmu/platform.h"
#include "pvmmu/tlb_ledger.h"
#include "pvmmu/type_keeper.h"

namespace pvmmu {

class EntryWriter {
 public:
  static constexpr unsigned kAttempts = 16;

  EntryWriter(Platform& platform, TypeKeeper& types, TlbLedger& tlb)
      : platform_(platform), types_(types), tlb_(tlb) {}

  // compute(uint64_t& value) turns the entry's present value into the wanted one, or returns false
  // if the entry is to stay as it is. `old_value` receives what was there. The table must be whole,
  // at level L. On error nothing has changed. Above L1 compute must not look at the old value but
  // for its Accessed and Dirty bits.
  template <PtLevel L, typename Compute>
  Errno change(Call& call, Mfn table, unsigned slot, Compute compute, uint64_t& old_value) {
    const bool spared = kMutated<Mutant::reserved_slot_written> && slot == kLastHypervisorSlot;
    if (is_hypervisor_slot(L, slot) && !spared) return refuse_slot(call, table, slot);
    uint64_t wanted_value = old_value = platform_.read_entry(table, slot);
    if (!compute(wanted_value)) return Errno::kOk;
    const Pte<L> before(old_value);
    const Pte<L> wanted(wanted_value);
    const Pte<L> after = adjusted_entry(wanted);
    const bool moves = moves_reference(before, after);
    // Without a move the frame and its use are those validated before; the bits may be new.
    const bool takes = after.present() && (moves || has_refused_bits(wanted));
    if (takes) {
      const Errno error = types_.get_from_entry(call, wanted, table, slot);
      if (error != Errno::kOk) return error;
    }
    if (commit(call.counters, before, after, table, slot, moves)) [[likely]] {
      return Errno::kOk;
    }
    EntryWriter self = *this;
    return self.change_again(call, table, slot, compute, old_value, takes ? after : Pte<L>());
  }

 private:
  // Another attempt after one that found the entry changed. `held`: the entry whose reference that
  // one took; not present: none.
  template <PtLevel L, typename Compute>
  [[gnu::noinline, gnu::cold]] Errno change_again(Call& call, Mfn table, unsigned slot,
                                                  Compute compute, uint64_t& old_value,
                                                  Pte<L> held) {
    for (unsigned attempt = 1; attempt < kAttempts; ++attempt) {
      uint64_t wanted_value = old_value = platform_.read_entry(table, slot);
      const bool wanted_at_all = compute(wanted_value);
      const Pte<L> before(old_value);
      const Pte<L> wanted(wanted_value);
      const Pte<L> after = adjusted_entry(wanted);
      const bool moves = moves_reference(before, after);
      keep_or_put(call, held, after, table, wanted_at_all && moves);
      if (!wanted_at_all) return Errno::kOk;
      // never: refused bits, which the first attempt had too.
      if (after.present() && !held.present() && (moves || has_refused_bits(wanted))) {
        const Errno error = types_.get_from_entry(call, wanted, table, slot);
        // never: refused, unless more than Accessed and Dirty changed.
        if (error != Errno::kOk) return error;
        held = after;
      }
      if (commit(call.counters, before, after, table, slot, moves)) return Errno::kOk;
    }
    if (held.present()) types_.put_from_entry(call.counters, held, table);
    return types_.refuse(call, Rule::kAccessedDirty, Errno::kEBUSY, "the entry kept changing",
                         table);
  }

  // False: the entry is not `before` any more, and stays what it is.
  template <PtLevel L>
  bool commit(MmuCounters& counters, Pte<L> before, Pte<L> after, Mfn table, unsigned slot,
              bool moves) {
    uint64_t expected = before.raw();
    bool done = false;
    for (unsigned i = 0; !done && i < (kMutated<Mutant::commit_without_compare> ? kAttempts : 1);
         ++i) {
      done = platform_.compare_exchange_entry(table, slot, expected, after.raw());
    }
    if (done) [[likely]] {
      finish(counters, before, after, table, slot, moves);
    }
    return done;
  }

  // The next attempt: what the last one held serves it if that is the reference it needs.
  template <PtLevel L>
  void keep_or_put(Call& call, Pte<L>& held, Pte<L> after, Mfn table, bool needed) {
    if (!held.present() || (needed && !moves_reference(held, after))) return;
    types_.put_from_entry(call.counters, held, table);
    held = Pte<L>();
  }

  // The new entry is in place. Order matters: the machine learns of the change, then the old
  // reference goes, whose stamp must not be older than the change.
  template <PtLevel L>
  void finish(MmuCounters& counters, Pte<L> before, Pte<L> after, Mfn table, unsigned slot,
              bool moves) {
    ++counters.pte_updates;
    if (!moves) ++counters.fast_updates;
    if (!before.present()) return;
    if (before != after) {
      if (!kMutated<Mutant::change_not_announced>) platform_.entry_changed(table, slot);
      if (L != PtLevel::kL1 && !kMutated<Mutant::upper_level_flush_skipped>) tlb_.owe();
    }
    if (moves) types_.put_from_entry(counters, before, table);
  }

  Errno refuse_slot(Call& call, Mfn table, unsigned slot) {
    types_.refuse(call, Rule::kEntryBits, Errno::kEINVAL, "the slot is the hypervisor's", table);
    call.refusal.level = 4;
    call.refusal.table = table;
    call.refusal.slot = static_cast<uint16_t>(slot);
    return Errno::kEINVAL;
  }

  Platform& platform_;
  TypeKeeper& types_;
  TlbLedger& tlb_;
};

}  // namespace pvmmu
