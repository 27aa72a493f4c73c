// Where the mm tells the rule checker what it does: one line each, and one predictable branch where
// nothing is checked. docs/pte-access-rules.md has the rules.
//
// Intents come from the accessors, before they act. Stores come from where entries are written: a
// queued one after it was queued, the others before. The rest comes from locks, lazy mode, the
// queue and flushes. Nothing here changes what the kernel does, traps, or counts.
#pragma once

#include <stdint.h>

#include "guest_abi/pte_rules.h"
#include "mm/pv/user_pte.h"

namespace kernel {

struct Mm;
struct Page;
struct PtePlace;
class Spinlock;

namespace pte_rules {

using guest_abi::PteEvent;

// Set once, before the first address space is made (checker.h).
extern constinit bool on;

void note_intent(PteEvent kind, const PtePlace& place, uint64_t after);
void note_store(PteEvent kind, const PtePlace& place, uint64_t after);
void note_unlock(const Spinlock& lock);
void note_lazy(bool enters);
void note_queue_issued(unsigned call_count);
void note_flush(const Mm* mm, const uint64_t* address);
void note_table_gone(const Page& table);
void note_operation_end();

// `after` is what the entry becomes; for what only reads, what it is.
inline void intent(PteEvent kind, const PtePlace& place, UserPte after) {
  if (on) [[unlikely]] {
    note_intent(kind, place, after.raw());
  }
}
inline void store(PteEvent kind, const PtePlace& place, uint64_t after) {
  if (on) [[unlikely]] {
    note_store(kind, place, after);
  }
}
// A table lock is about to be released by this vCPU.
inline void unlock(const Spinlock& lock) {
  if (on) [[unlikely]] {
    note_unlock(lock);
  }
}
// Before lazy mode is entered; after it was left and all that was queued is made.
inline void lazy_enter() {
  if (on) [[unlikely]] {
    note_lazy(true);
  }
}
inline void lazy_leave() {
  if (on) [[unlikely]] {
    note_lazy(false);
  }
}
// All that this vCPU has queued is being made.
inline void queue_issued(unsigned call_count) {
  if (on) [[unlikely]] {
    note_queue_issued(call_count);
  }
}
// A flush is asked for or not needed: of one page, of an address space, or of everything.
inline void flush_page(const Mm& mm, uint64_t address) {
  if (on) [[unlikely]] {
    note_flush(&mm, &address);
  }
}
inline void flush_mm(const Mm& mm) {
  if (on) [[unlikely]] {
    note_flush(&mm, nullptr);
  }
}
inline void flush_everything() {
  if (on) [[unlikely]] {
    note_flush(nullptr, nullptr);
  }
}
// An L1 table is no more what it was: unpinned, unlinked, or moved to other addresses.
inline void table_gone(const Page& table) {
  if (on) [[unlikely]] {
    note_table_gone(table);
  }
}
// Threads change on this vCPU, or upcalls open.
inline void operation_end() {
  if (on) [[unlikely]] {
    note_operation_end();
  }
}

}  // namespace pte_rules
}  // namespace kernel
