#include "pte_rules/record_table.h"

#include <new>

#include "mm/pv/accessors.h"

namespace kernel::pte_rules {
namespace {

// Neighbours share a bucket, so that a table's records are in few of them.
constexpr unsigned kEntriesPerBucket = 16;
constexpr unsigned kBucketsPerTable = pvmmu::kEntriesPerTable / kEntriesPerBucket;

}  // namespace

void RecordTable::List::push_back(Record& record) {
  record.previous = last;
  record.next = nullptr;
  (last != nullptr ? last->next : first) = &record;
  last = &record;
}

void RecordTable::List::remove(Record& record) {
  (record.previous != nullptr ? record.previous->next : first) = record.next;
  (record.next != nullptr ? record.next->previous : last) = record.previous;
}

void RecordTable::start(void* storage, size_t byte_count, void (*forgotten)(Record&)) {
  forgotten_ = forgotten;
  unsigned buckets = 1;
  while (buckets * kEntriesPerBucket * sizeof(Record) < byte_count) {
    buckets *= 2;
  }
  buckets_ = static_cast<Record**>(storage);
  bucket_mask_ = buckets - 1;
  auto* bytes = static_cast<unsigned char*>(storage) + buckets * sizeof(Record*);
  capacity_ = static_cast<unsigned>((byte_count - buckets * sizeof(Record*)) / sizeof(Record));
  idle_ = {};
  pending_ = {};
  for (unsigned i = 0; i < capacity_; ++i) {
    idle_.push_back(*new (bytes + i * sizeof(Record)) Record());
  }
}

Record** RecordTable::bucket_of(const Page* table, uint64_t address) {
  const uint64_t group = pvmmu::LinearAddr(address).index(pvmmu::PtLevel::kL1) / kEntriesPerBucket;
  const uint64_t number = reinterpret_cast<uint64_t>(table) / sizeof(Page);
  return &buckets_[(number * kBucketsPerTable + group) & bucket_mask_];
}

Record* RecordTable::find(const Page& table, uint64_t address) {
  Record* record = *bucket_of(&table, address);
  while (record != nullptr && (record->table != &table || record->address != address)) {
    record = record->chain;
  }
  return record;
}

Record* RecordTable::find(const PtePlace& place) {
  return find(place.table, place.address);
}

Record* RecordTable::find_or_make(const PtePlace& place, const Spinlock& lock) {
  if (Record* known = find(place)) {
    return known;
  }
  Record* record = idle_.first;
  if (record == nullptr) {
    return nullptr;
  }
  if (record->table != nullptr) {
    forgotten_(*record);
    unchain(*record);
  }
  idle_.remove(*record);
  *record = Record();
  record->table = &place.table;
  record->mm = &place.mm;
  record->lock = &lock;
  record->address = place.address;
  Record** bucket = bucket_of(record->table, record->address);
  record->chain = *bucket;
  *bucket = record;
  idle_.push_back(*record);
  return record;
}

void RecordTable::unchain(Record& record) {
  Record** link = bucket_of(record.table, record.address);
  while (*link != &record) {
    link = &(*link)->chain;
  }
  *link = record.chain;
  record.table = nullptr;
}

void RecordTable::settle(Record& record) {
  List& from = record.listed_pending ? pending_ : idle_;
  from.remove(record);
  record.listed_pending = record.pending != 0;
  (record.listed_pending ? pending_ : idle_).push_back(record);
}

void RecordTable::forget(const Page& table) {
  for (unsigned i = 0; i < kBucketsPerTable; ++i) {
    Record* record = *bucket_of(&table, uint64_t{i} * kEntriesPerBucket * pvmmu::kPageSize);
    while (record != nullptr) {
      Record* chained = record->chain;
      if (record->table == &table) {
        forgotten_(*record);
        unchain(*record);
        record->pending = 0;
        settle(*record);
      }
      record = chained;
    }
  }
}

}  // namespace kernel::pte_rules
