#include "mm/pv/accessors.h"

#include "accounting.h"
#include "arch/cpu.h"
#include "arch/memory.h"
#include "mm/pv/call_batch.h"
#include "mm/pv/entry_memory.h"
#include "options.h"
#include "panic.h"
#include "planted_bug.h"
#include "pte_rules/hooks.h"
#include "pte_rules/seeded.h"

namespace kernel {
namespace {

using pte_rules::PteEvent;
using pte_rules::Seeded;
using pte_rules::seeded;

bool writes_are_trapped() {
  return options().mode == Mode::kEmulate;
}
bool has_transactions() {
  return options().mode >= Mode::kBatched;
}

bool ages_in_two_steps() {
  return options().mode == Mode::kBest;
}

uint64_t* entry_of(const PtePlace& place) {
  return static_cast<uint64_t*>(address_of(place.table)) + place.index();
}

void note_update(const PtePlace& place) {
  count_pte_update();
  ++place.mm.changes;
}

// Stores a value by the way of the mode.
void write_entry(const PtePlace& place, uint64_t value, uint64_t command = MMU_NORMAL_PT_UPDATE) {
  if (!place.mm.pinned || writes_are_trapped() || seeded<Seeded::store_to_pinned>()) {
    pte_rules::store(PteEvent::kPlainStore, place, value);
    entry_store(entry_of(place), value);
    return;
  }
  CallBatch batch;
  batch.update_entry(place.table, place.index(), value, command);
  const bool preserves = command == MMU_PT_UPDATE_PRESERVE_AD;
  pte_rules::store(preserves ? PteEvent::kQueuedPreserving : PteEvent::kQueued, place, value);
}

// For updates that keep the A and D that processors set until then.
template <Seeded kWrongly>
uint64_t preserving_command() {
  return seeded<kWrongly>() ? MMU_NORMAL_PT_UPDATE : MMU_PT_UPDATE_PRESERVE_AD;
}

// The two that are atomic, and trap on a live table.
UserPte take_out(const PtePlace& place) {
  pte_rules::store(PteEvent::kExchange, place, 0);
  return UserPte(entry_exchange(entry_of(place), 0));
}

void clear_bits(const PtePlace& place, uint64_t bits) {
  pte_rules::store(PteEvent::kClearBits, place, bits);
  entry_clear_bits(entry_of(place), bits);
}

void must_be(bool condition, const char* what) {
  if (!condition && !pte_rules::any_seeded()) {
    panic("%s", what);
  }
}

}  // namespace

UserPte pte_read(const PtePlace& place) {
  const UserPte value(entry_load(entry_of(place)));
  pte_rules::intent(PteEvent::kRead, place, value);
  return value;
}

void pte_establish(const PtePlace& place, UserPte value) {
  pte_rules::intent(PteEvent::kEstablish, place, value);
  note_update(place);
  write_entry(place, value.raw());
}

namespace {

void replace_and_flush(const PtePlace& place, UserPte value) {
  pte_rules::flush_page(place.mm, place.address);
  must_be(!pv_this_vcpu().lazy, "an entry is replaced in a lazy section");
  note_update(place);
  Mm& mm = place.mm;
  if (!mm.pinned) {
    entry_store(entry_of(place), value.raw());
    return;
  }
  if (!writes_are_trapped() && mm.active_on(current_cpu())) {
    // The mask's address shares the word with the flags. [xen/public/xen.h: UVMF_MULTI]
    const uint64_t mask = linear_address(&mm.active_vcpus);
    pte_rules::store(PteEvent::kMapping, place, value.raw());
    CallBatch batch;
    batch.update_mapping(place.address, value.raw(), UVMF_INVLPG | UVMF_MULTI | mask);
    return;
  }
  CallBatch batch;
  write_entry(place, value.raw());
  if (mm.active_anywhere()) {
    batch.flush_page(mm, place.address);
  }
}

}  // namespace

void pte_relax_access(const PtePlace& place, UserPte value) {
  if (seeded<Seeded::set_over_valid>()) {
    pte_establish(place, value);
    CallBatch batch;
    return batch.flush_page(place.mm, place.address);
  }
  pte_rules::intent(PteEvent::kRelax, place, value);
  must_be(pte_read(place).frame() == value.frame(), "access is relaxed to another page");
  replace_and_flush(place, value);
}

void pte_replace_page(const PtePlace& place, UserPte value) {
  pte_rules::intent(PteEvent::kReplace, place, value);
  replace_and_flush(place, value);
}

void pte_zap(const PtePlace& place) {
  pte_rules::intent(PteEvent::kZap, place, UserPte());
  note_update(place);
  write_entry(place, 0);
}

void pte_write_protect(const PtePlace& place, UserPte old) {
  pte_rules::intent(PteEvent::kWriteProtect, place, old.write_protected());
  note_update(place);
  if (place.mm.pinned && has_transactions()) {
    write_entry(place, old.write_protected().raw(),
                preserving_command<Seeded::write_protect_normal>());
  } else {
    clear_bits(place, pvmmu::kPteWritable);
  }
}

void pte_prepare_young(const PtePlace& place, UserPte old) {
  const bool may_become_dirty = old.writable() && !old.dirty();
  if (place.mm.pinned && ages_in_two_steps() && old.accessed() && may_become_dirty) {
    pte_hide(place, old);
  }
}

bool pte_test_and_clear_young(const PtePlace& place) {
  const UserPte old = pte_read(place);
  if ((!old.present() && !old.hidden()) || !old.accessed()) {
    return false;
  }
  pte_rules::intent(PteEvent::kClearYoung, place, old.without_accessed());
  note_update(place);
  if (seeded<Seeded::young_deferred>()) {
    write_entry(place, old.without_accessed().raw());
    return true;
  }
  if (place.mm.pinned && ages_in_two_steps()) {
    // D is set, or cannot be: hidden, or not writable.
    write_entry(place, old.without_accessed().to_present().raw());
    return true;
  }
  // Nobody else clears A while the lock is held, so what was read still holds.
  clear_bits(place, pvmmu::kPteAccessed);
  return true;
}

void pte_clear_accessed_dirty(const PtePlace& place, UserPte old) {
  pte_rules::intent(PteEvent::kClearAccessedDirty, place, old.without_accessed_dirty());
  note_update(place);
  if (place.mm.pinned && has_transactions()) {
    write_entry(place, old.without_accessed_dirty().raw());
  } else {
    clear_bits(place, pvmmu::kPteAccessedDirty);
  }
}

void pte_clean(const PtePlace& place, UserPte old) {
  pte_rules::intent(PteEvent::kClean, place, old.cleaned());
  note_update(place);
  if (place.mm.pinned && has_transactions()) {
    write_entry(place, old.cleaned().raw());
  } else {
    clear_bits(place, pvmmu::kPteWritable | pvmmu::kPteDirty);
  }
}

void pte_hide(const PtePlace& place, UserPte old) {
  pte_rules::intent(PteEvent::kHide, place, old.to_hidden());
  note_update(place);
  if (place.mm.pinned && has_transactions()) {
    write_entry(place, old.withdrawn().to_hidden().raw(),
                preserving_command<Seeded::hide_normal>());
  } else {
    clear_bits(place, pvmmu::kPtePresent);
  }
}

void pte_prepare_move(const PtePlace& place, UserPte old) {
  if (old.present() && place.mm.pinned && has_transactions() &&
      !seeded<Seeded::move_unprepared>()) {
    pte_hide(place, old);
  }
}

UserPte pte_move(const PtePlace& from, const PtePlace& to) {
  UserPte value = pte_read(from);
  if (value.none()) {
    return value;
  }
  const bool zaps = seeded<Seeded::zap_hidden>();
  pte_rules::intent(zaps ? PteEvent::kZap : PteEvent::kMoveOut, from, UserPte());
  note_update(from);
  if (value.present() && !seeded<Seeded::move_unprepared>()) {
    must_be(!from.mm.pinned || !has_transactions(), "a move was not prepared");
    value = take_out(from);
  } else {
    write_entry(from, 0);
  }
  if (value.hidden()) {
    value = value.to_present();
  }
  if (planted(PlantedBug::move_loses_dirty)) {
    value = value.without_accessed_dirty();
  }
  pte_rules::intent(PteEvent::kMoveIn, to, value);
  note_update(to);
  write_entry(to, value.raw());
  return value;
}

#ifdef PTE_RULES_SEEDED_BUILD
UserPte pte_get_and_clear(const PtePlace& place) {
  pte_rules::intent(PteEvent::kZap, place, UserPte());
  note_update(place);
  return take_out(place);
}
#endif

void pte_modify_naive(const PtePlace& place, UserPte value) {
  pte_rules::intent(PteEvent::kModifyNaive, place, value);
  note_update(place);
  write_entry(place, value.raw());
}

PteModification::PteModification(const PtePlace& place) : place_(place) {
  pte_rules::intent(PteEvent::kModifyStart, place_, UserPte());
  if (place_.mm.pinned && has_transactions()) {
    old_ = pte_read(place_);
  } else {
    old_ = take_out(place_);
  }
}

PteModification::~PteModification() {
  if (!committed_) {
    pte_rules::intent(PteEvent::kModifyDropped, place_, old_);
  }
  must_be(committed_, "a pte modification was not committed");
}

void PteModification::commit(UserPte value) {
  pte_rules::intent(PteEvent::kModifyCommit, place_, value);
  must_be(!committed_, "a pte modification was committed twice");
  committed_ = true;
  note_update(place_);
  const bool transaction = place_.mm.pinned && has_transactions();
  write_entry(place_, value.raw(),
              transaction ? preserving_command<Seeded::commit_normal>() : MMU_NORMAL_PT_UPDATE);
}

}  // namespace kernel
