// What the checker remembers of entries: a table of fixed size.
//
// A record is pending while something about its entry is unfinished (an update queued, a flush
// owed, ...); otherwise it only remembers who touched the entry last, and the one that was left
// alone longest makes room for another entry. Where all records are pending there is no room, and
// the caller says so.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "guest_abi/pte_rules.h"
#include "mm/page.h"
#include "pte_rules/hash_table.h"

namespace kernel {

struct Mm;
struct PtePlace;

namespace pte_rules {

// What is unfinished, as bits.
enum Pending : uint32_t {
  kQueued = 1,        // an update waits in the queue
  kOpen = 2,          // between start and commit
  kOwesFlush = 4,     // lost something, not flushed
  kHidden = 8,        //
  kHashBatched = 16,  // its hash entry waits in the batch of lazy mode
  kCleared = 32,      // cleared and not flushed
  kQueuedKeeps = 64,  // the queued update keeps what A and D will be by then
};

struct Record {
  const Page* table = nullptr;  // null: unused
  const Mm* mm = nullptr;
  const Spinlock* lock = nullptr;
  uint64_t address = 0;
  uint32_t pending = 0;
  uint32_t vcpu = 0;                 // whose pending work it is
  uint64_t queued = 0;               // what the entry will be
  uint64_t started = 0;              // what it was when the transaction began
  guest_abi::PteEventRecord last{};  // the last change
  bool touched = false;              // since its table was locked
  // Of the machine that is modelled, which sets them (powerpc_hash.h).
  HashBits hash;
  HashPage hash_page;
  Record* chain = nullptr;
  bool listed_pending = false;  // which list it is in
  Record* previous = nullptr;
  Record* next = nullptr;
};

class RecordTable {
 public:
  constexpr RecordTable() = default;

  // Takes all of the storage, which is zeroed and stays. `forgotten` is called with each record
  // before it is about another entry, or none.
  void start(void* storage, size_t byte_count, void (*forgotten)(Record&));
  unsigned capacity() const { return capacity_; }

  // The record of an entry, or nullptr.
  Record* find(const PtePlace& place);
  Record* find(const Page& table, uint64_t address);
  // The same, made if there is none; nullptr: there is no room.
  Record* find_or_make(const PtePlace& place, const Spinlock& lock);
  // After `pending` of a record was changed, or it was touched.
  void settle(Record& record);
  // No entry of this table is known any more.
  void forget(const Page& table);

  // Calls visit(record) for each one that is pending; it may change what is pending.
  template <typename Visit>
  void for_each_pending(Visit visit) {
    for (Record* record = pending_.first; record != nullptr;) {
      Record* next = record->next;
      visit(*record);
      if (record->pending == 0) {
        settle(*record);
      }
      record = next;
    }
  }

 private:
  struct List {
    Record* first = nullptr;
    Record* last = nullptr;
    void push_back(Record& record);
    void remove(Record& record);
  };

  Record** bucket_of(const Page* table, uint64_t address);
  void unchain(Record& record);

  Record** buckets_ = nullptr;
  unsigned bucket_mask_ = 0;
  unsigned capacity_ = 0;
  void (*forgotten_)(Record&) = nullptr;
  List idle_;  // longest untouched first
  List pending_;
};

}  // namespace pte_rules
}  // namespace kernel
