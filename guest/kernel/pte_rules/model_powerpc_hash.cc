// powerpc with a hash table: two entries for one address are fatal. The ways to get there are what
// the rules forbid.
#include <new>

#include "mm/address_space.h"
#include "pte_rules/powerpc_hash.h"

namespace kernel::pte_rules {
namespace {

// The bits travel with the value, so a value made from nothing has lost them. A, D, the frame and
// what software says stand in for them.
bool came_from(UserPte value, UserPte started) {
  return value.frame() == started.frame() && value.special() == started.special() &&
         (value.accessed() || !started.accessed()) && (value.dirty() || !started.dirty());
}

// Processors may use the entry at once, as it is now.
bool leaves_valid(const Change& change) {
  switch (change.kind) {
    case PteEvent::kEstablish:
    case PteEvent::kMoveIn:
    case PteEvent::kReplace:
    case PteEvent::kRelax:
    case PteEvent::kModifyCommit:
    case PteEvent::kModifyNaive:
      return change.after.present();
    default:
      return false;
  }
}

}  // namespace

void PowerpcHash::start(void* storage) {
  table_.start(storage);
  batches_ =
      new (static_cast<unsigned char*>(storage) + HashTable::kStorageBytes) HashBatch[kMaxCpus];
}

HashPage PowerpcHash::page_of(const Mm& mm, uint64_t address) {
  return {mfn_of(*mm.kernel_root).raw(), address};
}

// A processor looks for the valid pte's translation, and the kernel puts it into the table.
PteRule PowerpcHash::fault_in(Record& record) {
  if (table_.holds(record.hash_page, record.hash)) {
    return PteRule::kNone;
  }
  const HashTable::Inserted inserted = table_.insert(record.hash_page);
  record.hash = inserted.bits;
  return inserted.was_there ? PteRule::kDuplicateHash : PteRule::kNone;
}

// What a valid entry's slot has is to be invalidated.
void PowerpcHash::take_away(const Change& change, Record& record, unsigned vcpu) {
  if (!record.hash.hashed()) {
    return;
  }
  if (!change.lazy) {
    table_.invalidate(record.hash_page, record.hash);
    return;
  }
  HashBatch& batch = batches_[vcpu];
  batch.mm = record.mm;
  batch.entries[batch.count++] = {record.hash_page, &record, record.hash};
  record.pending |= kHashBatched;
}

// A plain store of a value that knows of no slot.
PteRule PowerpcHash::set(const Change& change, Record& record) {
  record.hash = HashBits();
  if (change.before.present()) {
    table_.drop(record.hash_page);
    return PteRule::kSetOverValid;
  }
  if (change.after.present() && table_.drop(record.hash_page)) {
    return PteRule::kValidOverHashed;
  }
  return PteRule::kNone;
}

PteRule PowerpcHash::commit(const Change& change, Record& record) {
  const bool was_started = change.pending(kOpen);
  if (!was_started || !record.hash.hashed() || came_from(change.after, UserPte(record.started))) {
    return PteRule::kNone;
  }
  table_.drop(record.hash_page);
  record.hash = HashBits();
  return PteRule::kHashedStateLost;
}

PteRule PowerpcHash::act(const Change& change, Record& record, unsigned vcpu) {
  switch (change.kind) {
    case PteEvent::kEstablish:
    case PteEvent::kMoveIn:
      return set(change, record);
    case PteEvent::kModifyNaive:
      // If not valid it is read with its bits, and stored with them.
      return change.before.present() ? set(change, record) : PteRule::kNone;
    case PteEvent::kModifyCommit:
      return commit(change, record);
    case PteEvent::kReplace:
      take_away(change, record, vcpu);
      record.hash = HashBits();
      return PteRule::kNone;
    default:
      break;
  }
  if (takes_away(change.kind)) {
    take_away(change, record, vcpu);
  }
  if (clears(change.kind)) {
    record.hash = HashBits();
  }
  return PteRule::kNone;
}

PteRule PowerpcHash::follow(const Change& change, Record& record, unsigned vcpu) {
  PteRule broken = PteRule::kNone;
  // Between start and commit processors see no valid entry.
  if (change.before.present() && !change.pending(kOpen)) {
    broken = fault_in(record);
  }
  const PteRule by_change = act(change, record, vcpu);
  broken = broken == PteRule::kNone ? by_change : broken;
  if (leaves_valid(change)) {
    const PteRule by_fault = fault_in(record);
    broken = broken == PteRule::kNone ? by_fault : broken;
  }
  return broken;
}

bool PowerpcHash::is_in_the_way(const Change& change, const Record& record, unsigned vcpu) const {
  const HashBatch& batch = batches_[vcpu];
  const bool another = batch.count != 0 && batch.mm != record.mm;
  const bool joins = takes_away(change.kind) || change.kind == PteEvent::kReplace;
  return another && joins && change.lazy && (record.hash.hashed() || change.before.present());
}

void PowerpcHash::forget(Record& record) {
  table_.invalidate(record.hash_page, record.hash);
  record.hash = HashBits();
  if ((record.pending & kHashBatched) == 0) {
    return;
  }
  for (unsigned vcpu = 0; vcpu < kMaxCpus; ++vcpu) {
    HashBatch& batch = batches_[vcpu];
    for (unsigned i = 0; i < batch.count; ++i) {
      HashBatch::Entry& entry = batch.entries[i];
      entry.record = entry.record == &record ? nullptr : entry.record;
    }
  }
}

}  // namespace kernel::pte_rules
