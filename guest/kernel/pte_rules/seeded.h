// Breaches of the rules, seeded on purpose, and which of them this run has.
//
// Mistakes of the kind that memory managers have had, each a line or two at the place that says
// seeded<>. The kernel as it ships has none: there the condition is a constant. Two test programs
// are built with all of them and choose one at run time: a scenario of the mm alone
// (tests/unit/guest/rules_seeded_test.cc), and the whole program (tests/fuzz_workloads).
//
// X(name, rule on x86, rule on powerpc-hash, rule on s390, what is wrong); 0: fine there.
#pragma once

#include <stdint.h>

namespace kernel::pte_rules {

#define PTE_RULES_SEEDED(X)                                                                   \
  X(change_without_lock, 1, 1, 1, "a fault inserts its page without the table's lock")        \
  X(write_protect_read_only, 2, 2, 2, "fork write-protects what is read-only already")        \
  X(hide_blocked, 2, 2, 2, "swap-out hides what is no entry for processors")                  \
  X(zap_hidden, 2, 2, 2, "a move zaps what it hid, and sets it elsewhere")                    \
  X(set_over_valid, 9, 3, 18, "access is relaxed by setting the entry anew")                  \
  X(protect_by_read_and_store, 9, 3, 18, "mprotect reads, changes and stores")                \
  X(relax_drops_accessed, 4, 4, 4, "a kernel's write sets D and clears A")                    \
  X(relax_to_copy, 4, 4, 4, "copy-on-write relaxes access, to another page")                  \
  X(zap_unflushed, 5, 5, 5, "what is zapped is not named for the flush")                      \
  X(protect_unflushed, 5, 5, 5, "rights are taken away and not flushed")                      \
  X(flush_before_change, 5, 5, 5, "the flush of a clean comes before the change")             \
  X(hidden_left_over, 6, 6, 6, "swap-out hides entries and leaves them so")                   \
  X(commit_twice, 7, 7, 7, "mprotect commits twice")                                          \
  X(zap_in_transaction, 7, 7, 7, "an entry is zapped between start and commit")               \
  X(start_not_committed, 7, 7, 7, "mprotect starts and leaves when nothing changes")          \
  X(lazy_in_lazy, 8, 8, 8, "populate enters lazy mode for each entry, in a section")          \
  X(write_protect_normal, 9, 0, 0, "fork write-protects by an update that drops A and D")     \
  X(hide_normal, 9, 0, 0, "swap-out hides by an update that drops A and D")                   \
  X(commit_normal, 9, 0, 0, "mprotect commits by an update that drops A and D")               \
  X(young_deferred, 10, 0, 0, "A is tested, and cleared later by a queued update")            \
  X(move_unprepared, 10, 0, 0, "a present entry moves by queued updates, its old value read") \
  X(zap_then_read, 11, 0, 0, "what is zapped is read again for its page")                     \
  X(young_after_clean, 11, 0, 0, "A is tested while an update is queued")                     \
  X(unlock_before_issue, 12, 17, 0, "a section drops its lock before lazy mode is left")      \
  X(store_to_pinned, 13, 0, 0, "entries of live tables are stored plainly")                   \
  X(protect_by_clear_and_set, 0, 14, 19, "mprotect clears and sets, as in 2008")              \
  X(refill_in_section, 0, 14, 19, "madvise zaps, and sets a fresh page at once")              \
  X(hide_then_show, 9, 14, 19, "swap-out shows again what it hid, in the same section")       \
  X(commit_from_nothing, 0, 15, 0, "mprotect commits an entry made from frame and rights")    \
  X(replace_in_section, 20, 16, 0, "copy-on-write is done in a lazy section")

enum class Seeded : uint8_t {
  none,
#define PTE_RULES_ENUMERATOR(name, x86, powerpc, s390, text) name,
  PTE_RULES_SEEDED(PTE_RULES_ENUMERATOR)
#undef PTE_RULES_ENUMERATOR
};

// While there is a breach, the kernel's own checks of the same things stand back.
#ifdef PTE_RULES_SEEDED_BUILD
inline Seeded seeded_breach = Seeded::none;
inline bool any_seeded() {
  return seeded_breach != Seeded::none;
}
template <Seeded kBreach>
inline bool seeded() {
  return seeded_breach == kBreach;
}
#else
constexpr bool any_seeded() {
  return false;
}
template <Seeded kBreach>
inline constexpr bool seeded() {
  return false;
}
#endif

}  // namespace kernel::pte_rules
