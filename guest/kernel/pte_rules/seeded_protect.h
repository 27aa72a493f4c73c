// Ways to get mprotect wrong, for the test of the rule checker (seeded.h).
#pragma once

#include "mm/pv/accessors.h"
#include "pte_rules/seeded.h"

namespace kernel::pte_rules {

// False, and nothing done, in the kernel as it ships.
inline bool change_wrongly(const PtePlace& place, uint64_t prot, bool may_write) {
  if (seeded<Seeded::protect_by_read_and_store>()) {
    pte_modify_naive(place, pte_read(place).with_rights(prot, may_write));
    return true;
  }
#ifdef PTE_RULES_SEEDED_BUILD
  if (seeded<Seeded::protect_by_clear_and_set>()) {
    const UserPte old = pte_get_and_clear(place);
    pte_establish(place, old.with_rights(prot, may_write));
    return true;
  }
#endif
  if (seeded<Seeded::start_not_committed>()) {
    PteModification modification(place);
    return true;
  }
  if (seeded<Seeded::commit_from_nothing>()) {
    PteModification modification(place);
    modification.commit(UserPte::make(modification.old().frame(), prot, may_write));
    return true;
  }
  if (seeded<Seeded::commit_twice>() || seeded<Seeded::zap_in_transaction>()) {
    PteModification modification(place);
    if (seeded<Seeded::zap_in_transaction>()) {
      pte_zap(place);
    }
    modification.commit(modification.old().with_rights(prot, may_write));
    if (seeded<Seeded::commit_twice>()) {
      modification.commit(modification.old().with_rights(prot, may_write));
    }
    return true;
  }
  return false;
}

}  // namespace kernel::pte_rules
