// A machine with a hash table, run beside the kernel: what powerpc64 would do for each accessor,
// and what its processors may do meanwhile (Linux: hpte_need_flush, __hash_page_4K).
//
// A pte remembers its entry in the table; here the entry's record does (Record::hash). Processors
// fault in any valid pte whenever they like, so one always has, by the time that it matters: as
// soon as an entry is set valid, and again before anything else happens to it, should its slot have
// gone to another meanwhile. A pte that loses something has its entry invalidated: at once, or in
// lazy mode in a batch of its vCPU's, which is made when it is full, before an entry of another
// address space joins it, and when lazy mode is left.
//
// Whoever forgets a record takes its entry out of the table first. So the table has an entry only
// if a record knows it or a batch has it. Under the checker's lock.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "arch/cpu.h"
#include "guest_abi/pte_rules.h"
#include "pte_rules/hash_table.h"
#include "pte_rules/models.h"
#include "pte_rules/record_table.h"

namespace kernel::pte_rules {

// Entries of the table that are to be invalidated together. (Linux: ppc64_tlb_batch)
struct HashBatch {
  static constexpr unsigned kRoom = 192;  // PPC64_TLB_BATCH_NR

  struct Entry {
    HashPage page;
    Record* record = nullptr;  // null: nobody follows the pte any more
    HashBits bits;
  };

  const Mm* mm = nullptr;  // of all that are in it
  unsigned count = 0;
  Entry entries[kRoom];
};

class PowerpcHash {
 public:
  static constexpr size_t kStorageBytes =
      HashTable::kStorageBytes + size_t{kMaxCpus} * sizeof(HashBatch);

  constexpr PowerpcHash() = default;
  // Takes the storage, which stays.
  void start(void* storage);

  // The page that a new record is about.
  static HashPage page_of(const Mm& mm, uint64_t address);

  // An accessor is called. Says which rule that breaks, if one, and goes on as if it had not been.
  // The vCPU's batch is made before it if another address space's entries are in the way, and after
  // it if it is full.
  PteRule follow(const Change& change, Record& record, unsigned vcpu);

  bool is_in_the_way(const Change& change, const Record& record, unsigned vcpu) const;
  bool is_full(unsigned vcpu) const { return batches_[vcpu].count == HashBatch::kRoom; }
  // Invalidates what waits, and calls made(record) for each record with some of that. False:
  // nothing waited.
  template <typename Made>
  bool make_batch(unsigned vcpu, Made made) {
    HashBatch& batch = batches_[vcpu];
    const bool any = batch.count != 0;
    for (unsigned i = 0; i < batch.count; ++i) {
      const HashBatch::Entry& entry = batch.entries[i];
      table_.invalidate(entry.page, entry.bits);
      if (entry.record != nullptr && (entry.record->pending & kHashBatched) != 0) {
        entry.record->pending &= ~uint32_t{kHashBatched};
        made(*entry.record);
      }
    }
    batch.count = 0;
    return any;
  }

  // A record is about to be.
  void forget(Record& record);

  const HashTable& table() const { return table_; }

 private:
  PteRule fault_in(Record& record);
  PteRule set(const Change& change, Record& record);
  PteRule commit(const Change& change, Record& record);
  PteRule act(const Change& change, Record& record, unsigned vcpu);
  void take_away(const Change& change, Record& record, unsigned vcpu);

  HashTable table_;
  HashBatch* batches_ = nullptr;
};

}  // namespace kernel::pte_rules
