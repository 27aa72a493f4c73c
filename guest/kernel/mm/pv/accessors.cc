#include "mm/pv/accessors.h"

#include "accounting.h"
#include "arch/cpu.h"
#include "arch/memory.h"
#include "mm/pv/call_batch.h"
#include "mm/pv/entry_memory.h"
#include "options.h"
#include "panic.h"
#include "planted_bug.h"

namespace kernel {
namespace {

bool writes_are_trapped() {
  return options().mode == Mode::kEmulate;
}
bool has_transactions() {
  return options().mode == Mode::kBatched;
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
  if (!place.mm.pinned || writes_are_trapped()) {
    entry_store(entry_of(place), value);
    return;
  }
  CallBatch batch;
  batch.update_entry(place.table, place.index(), value, command);
}

void must_be(bool condition, const char* what) {
  if (!condition) {
    panic("%s", what);
  }
}

}  // namespace

UserPte pte_read(const PtePlace& place) {
  return UserPte(entry_load(entry_of(place)));
}

void pte_establish(const PtePlace& place, UserPte value) {
  note_update(place);
  write_entry(place, value.raw());
}

namespace {

void replace_and_flush(const PtePlace& place, UserPte value) {
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
  must_be(pte_read(place).frame() == value.frame(), "access is relaxed to another page");
  replace_and_flush(place, value);
}

void pte_replace_page(const PtePlace& place, UserPte value) {
  replace_and_flush(place, value);
}

void pte_zap(const PtePlace& place) {
  note_update(place);
  write_entry(place, 0);
}

void pte_write_protect(const PtePlace& place, UserPte old) {
  note_update(place);
  if (place.mm.pinned && has_transactions()) {
    write_entry(place, old.write_protected().raw(), MMU_PT_UPDATE_PRESERVE_AD);
  } else {
    entry_clear_bits(entry_of(place), pvmmu::kPteWritable);
  }
}

bool pte_test_and_clear_young(const PtePlace& place) {
  const UserPte old = pte_read(place);
  if (!old.present() || !old.accessed()) {
    return false;
  }
  note_update(place);
  // Nobody else clears A while the lock is held, so what was read still holds.
  entry_clear_bits(entry_of(place), pvmmu::kPteAccessed);
  return true;
}

void pte_clear_accessed_dirty(const PtePlace& place, UserPte old) {
  note_update(place);
  if (place.mm.pinned && has_transactions()) {
    write_entry(place, old.without_accessed_dirty().raw());
  } else {
    entry_clear_bits(entry_of(place), pvmmu::kPteAccessedDirty);
  }
}

void pte_clean(const PtePlace& place, UserPte old) {
  note_update(place);
  if (place.mm.pinned && has_transactions()) {
    write_entry(place, old.cleaned().raw());
  } else {
    entry_clear_bits(entry_of(place), pvmmu::kPteWritable | pvmmu::kPteDirty);
  }
}

void pte_hide(const PtePlace& place, UserPte old) {
  note_update(place);
  if (place.mm.pinned && has_transactions()) {
    write_entry(place, old.to_hidden().raw(), MMU_PT_UPDATE_PRESERVE_AD);
  } else {
    entry_clear_bits(entry_of(place), pvmmu::kPtePresent);
  }
}

void pte_prepare_move(const PtePlace& place, UserPte old) {
  if (old.present() && place.mm.pinned && has_transactions()) {
    pte_hide(place, old);
  }
}

UserPte pte_move(const PtePlace& from, const PtePlace& to) {
  UserPte value = pte_read(from);
  if (value.none()) {
    return value;
  }
  note_update(from);
  if (value.present()) {
    must_be(!from.mm.pinned || !has_transactions(), "a move was not prepared");
    value = UserPte(entry_exchange(entry_of(from), 0));
  } else {
    write_entry(from, 0);
  }
  if (value.hidden()) {
    value = value.to_present();
  }
  if (planted(PlantedBug::move_loses_dirty)) {
    value = value.without_accessed_dirty();
  }
  note_update(to);
  write_entry(to, value.raw());
  return value;
}

void pte_modify_naive(const PtePlace& place, UserPte value) {
  note_update(place);
  write_entry(place, value.raw());
}

PteModification::PteModification(const PtePlace& place) : place_(place) {
  if (place_.mm.pinned && has_transactions()) {
    old_ = pte_read(place_);
  } else {
    old_ = UserPte(entry_exchange(entry_of(place_), 0));
  }
}

PteModification::~PteModification() {
  must_be(committed_, "a pte modification was not committed");
}

void PteModification::commit(UserPte value) {
  must_be(!committed_, "a pte modification was committed twice");
  committed_ = true;
  note_update(place_);
  const bool transaction = place_.mm.pinned && has_transactions();
  write_entry(place_, value.raw(), transaction ? MMU_PT_UPDATE_PRESERVE_AD : MMU_NORMAL_PT_UPDATE);
}

}  // namespace kernel
