#include "pte_rules/checker.h"

#include "mm/pv/entry_memory.h"
#include "mm/pv/table_lock.h"
#include "mm/pv/tables.h"
#include "options.h"
#include "pte_rules/event.h"
#include "pte_rules/hooks.h"
#include "pte_rules/models.h"

namespace kernel::pte_rules {

constinit bool on = false;
constinit CheckerState checker;

namespace {

using guest_abi::PteEventRecord;
using guest_abi::PteModel;

constexpr PteEventRecord kNothing{};

UserPte entry_now(const PtePlace& place, const Record* record) {
  if (record != nullptr && (record->pending & kQueued) != 0) {
    return UserPte(record->queued);
  }
  return UserPte(entry_load(entries_of(place.table) + place.index()));
}

void set_pending(Record& record, uint32_t what, bool is_pending) {
  record.pending = is_pending ? record.pending | what : record.pending & ~what;
}

// What a change that was judged leaves unfinished.
void remember(const Change& change, Record& record, Event& event) {
  const bool was_valid = change.before.present();
  record.last = event.record();
  record.touched = true;
  if (was_valid && takes_away(change.kind)) {
    set_pending(record, kOwesFlush, true);
  }
  if (was_valid && clears(change.kind)) {
    set_pending(record, kCleared, true);
  }
  set_pending(record, kHidden, change.kind == PteEvent::kHide);
  set_pending(record, kOpen, change.kind == PteEvent::kModifyStart);
  if (change.kind == PteEvent::kModifyStart) {
    record.started = change.before.raw();
  }
  checker.records.settle(record);
}

// Hash entries that wait in the vCPU's batch are invalidated, because of this event or during it.
[[gnu::always_inline]] inline void make_hash_batch(Event& event, PteEvent why) {
  const bool any = checker.hash.make_batch(event.vcpu(), [&event, why](Record& record) {
    checker.records.settle(record);
    event.concerns(record, 0, why);
  });
  accounting_rules().hash_batches += any ? 1 : 0;
}

void count_hash_entries() {
  accounting_rules().hash_inserted = checker.hash.table().inserted();
  accounting_rules().hash_evicted = checker.hash.table().evicted();
}

// Of an entry, made if there is none; nullptr: there is no room.
Record* record_of(const PtePlace& place, const Spinlock& table_lock) {
  Record* record = checker.records.find_or_make(place, table_lock);
  if (record == nullptr) {
    ++accounting_rules().events_not_judged;
    return nullptr;
  }
  if (record->hash_page == HashPage()) {
    record->hash_page = PowerpcHash::page_of(place.mm, place.address);
  }
  if (record->pending == 0) {
    record->vcpu = current_cpu();
  }
  return record;
}

void judge(const Change& change, Record* record, Event& event, const PtePlace& place) {
  const PteEventRecord& last = change.record != nullptr ? change.record->last : kNothing;
  event.breaks(judge_common(change), last, place.address);
  const PteEventRecord& lazy = event.cpu().lazy_entered;
  if (checker.judges(PteModel::kX86Xen)) {
    const PteRule rule = judge_x86_xen(change);
    event.breaks(rule, rule == PteRule::kFlushedInLazy ? lazy : last, place.address);
  }
  // Also where nobody judges by it: the trace of an entry's life tells of it.
  if (record != nullptr) {
    const PteRule rule = checker.hash.follow(change, *record, event.vcpu());
    const bool waits = rule == PteRule::kDuplicateHash && change.lazy;
    event.breaks(rule, waits ? lazy : last, place.address);
  }
  if (checker.judges(PteModel::kS390)) {
    event.breaks(judge_s390(change), last, place.address);
  }
}

void note_read(const PtePlace& place, uint64_t value) {
  Event event(PteEvent::kRead, value, value);
  CpuState& cpu = event.cpu();
  cpu.read_table = &place.table;
  cpu.read_address = place.address;
  cpu.read = event.record();
  const Record* record = checker.records.find(place);
  if (record != nullptr && (record->pending & kQueued) != 0 && checker.judges(PteModel::kX86Xen)) {
    Change change;
    change.kind = PteEvent::kRead;
    change.live = true;
    change.record = record;
    event.breaks(judge_x86_xen(change), record->last, place.address);
  }
  event.concerns(place, record, true);
  event.end();
}

}  // namespace

void start(const Settings& wanted, void* storage, size_t byte_count) {
  checker.settings = wanted;
  constexpr size_t kHashBytes = kHashPages * pvmmu::kPageSize;
  static_assert(PowerpcHash::kStorageBytes <= kHashBytes);
  checker.hash.start(storage);
  checker.records.start(static_cast<unsigned char*>(storage) + kHashBytes, byte_count - kHashBytes,
                        [](Record& record) { checker.hash.forget(record); });
  for (CpuState& cpu : checker.cpus) {
    cpu = CpuState();
  }
  guest_abi::PteRuleReport& report = accounting_rules();
  report = {};
  report.models = checker.settings.models;
  report.entries_followed = checker.records.capacity();
  on = checker.settings.any();
}

void stop() {
  on = false;
}

void note_intent(PteEvent kind, const PtePlace& place, uint64_t after) {
  if (kind == PteEvent::kRead) {
    if (place.mm.pinned) {
      note_read(place, after);
    }
    return;
  }
  Record* record = nullptr;
  const Spinlock& table_lock = table_lock_of(place.mm, place.table);
  Change change;
  change.kind = kind;
  change.after = UserPte(after);
  change.live = place.mm.pinned;
  change.lock_held = table_lock.held_here();
  change.lazy = pv_this_vcpu().lazy;
  Event event(kind, 0, after);
  if (change.live) {
    record = record_of(place, table_lock);
  }
  change.record = record;
  change.before = entry_now(place, record);
  event.set_before(change.before.raw());
  CpuState& cpu = event.cpu();
  cpu.intent = kind;
  cpu.intent_table = &place.table;
  cpu.intent_address = place.address;
  cpu.before = change.before;
  if (record != nullptr && checker.hash.is_in_the_way(change, *record, event.vcpu())) {
    make_hash_batch(event, PteEvent::kHashBatchMade);
  }
  judge(change, record, event, place);
  if (record != nullptr) {
    remember(change, *record, event);
  }
  event.concerns(place, record, true);
  if (checker.hash.is_full(event.vcpu())) {
    make_hash_batch(event, PteEvent::kHashBatchMade);
  }
  count_hash_entries();
  event.end();
}

void note_store(PteEvent kind, const PtePlace& place, uint64_t after) {
  if (!place.mm.pinned) {
    return;
  }
  Event event(kind, 0, after);
  CpuState& cpu = event.cpu();
  Record* record = checker.records.find(place);
  Store made;
  made.kind = kind;
  if (cpu.intent_table == &place.table && cpu.intent_address == place.address) {
    made.intent = cpu.intent;
    made.before = cpu.before;
  }
  event.set_before(made.before.raw());
  made.after = UserPte(after);
  made.plain_stores_trap = options().mode == Mode::kEmulate;
  const uint32_t pending = record != nullptr ? record->pending : 0;
  made.queued = (pending & kQueued) != 0;
  made.queued_keeps = (pending & kQueuedKeeps) != 0;
  if (checker.judges(PteModel::kX86Xen)) {
    const bool read_here = cpu.read_table == &place.table && cpu.read_address == place.address;
    const PteEventRecord& last = record != nullptr ? record->last : kNothing;
    const PteRule rule = judge_x86_xen(made);
    event.breaks(rule, rule == PteRule::kAccessedDirtyLost && read_here ? cpu.read : last,
                 place.address);
  }
  const bool is_request = kind == PteEvent::kQueued || kind == PteEvent::kQueuedPreserving;
  if (is_request && record != nullptr && !pv_this_vcpu().queue.empty()) {
    set_pending(*record, kQueued, true);
    set_pending(*record, kQueuedKeeps, kind == PteEvent::kQueuedPreserving);
    record->queued = after;
    record->vcpu = event.record().vcpu;
    checker.records.settle(*record);
  }
  event.concerns(place, record, false);
  event.end();
}

void note_unlock(const Spinlock& released) {
  Event event(PteEvent::kUnlock, 0, 0);
  checker.records.for_each_pending([&](Record& record) {
    if (record.lock != &released) {
      return;
    }
    if ((record.pending & kQueued) != 0) {
      event.breaks(PteRule::kQueuedAtUnlock, record.last, record.address);
    }
    if ((record.pending & kHashBatched) != 0) {
      event.breaks(PteRule::kHashAtUnlock, record.last, record.address);
    }
    if ((record.pending & kOpen) != 0) {
      event.breaks(PteRule::kTransaction, record.last, record.address);
    }
    record.pending &= ~uint32_t{kOpen};
    if (record.touched) {
      record.touched = false;
      event.concerns(record);
    }
  });
  event.end();
}

void note_lazy(bool enters) {
  Event event(enters ? PteEvent::kLazyEnter : PteEvent::kLazyLeave, 0, 0);
  CpuState& cpu = event.cpu();
  if (enters && cpu.lazy) {
    event.breaks(PteRule::kLazyNesting, cpu.lazy_entered, 0);
  }
  cpu.lazy = enters;
  if (enters) {
    cpu.lazy_entered = event.record();
  } else {
    make_hash_batch(event, PteEvent::kLazyLeave);
  }
  event.end();
}

void note_queue_issued(unsigned call_count) {
  Event event(PteEvent::kQueueIssued, 0, 0);
  checker.records.for_each_pending([&event, call_count](Record& record) {
    if (record.vcpu == event.record().vcpu && (record.pending & kQueued) != 0) {
      record.pending &= ~uint32_t{kQueued | kQueuedKeeps};
      event.concerns(record, call_count);
    }
  });
  event.end();
}

void note_flush(const Mm* mm, const uint64_t* address) {
  Event event(PteEvent::kFlush, 0, 0);
  checker.records.for_each_pending([&event, mm, address](Record& record) {
    const bool covered =
        (mm == nullptr || record.mm == mm) && (address == nullptr || record.address == *address);
    if (covered && (record.pending & kOwesFlush) != 0) {
      record.pending &= ~uint32_t{kOwesFlush | kCleared};
      event.concerns(record);
    }
  });
  event.end();
}

void note_table_gone(const Page& table) {
  Event event(PteEvent::kTableGone, 0, 0);
  if (const Record* record = checker.records.find(table, checker.settings.traced)) {
    event.concerns(*record);
  }
  checker.records.forget(table);
  event.end();
}

void note_operation_end() {
  Event event(PteEvent::kOperationEnds, 0, 0);
  CpuState& cpu = event.cpu();
  if (cpu.lazy) {
    event.breaks(PteRule::kLazyNesting, cpu.lazy_entered, 0);
    cpu.lazy = false;
  }
  make_hash_batch(event, PteEvent::kOperationEnds);
  checker.records.for_each_pending([&event](Record& record) {
    if (record.vcpu != event.record().vcpu) {
      return;
    }
    if ((record.pending & kOwesFlush) != 0) {
      event.breaks(PteRule::kFlushOwed, record.last, record.address);
    }
    if ((record.pending & kHidden) != 0) {
      event.breaks(PteRule::kHiddenLeft, record.last, record.address);
    }
    // Told once.
    record.pending &= ~uint32_t{kOwesFlush | kHidden | kCleared};
  });
  event.end();
}

}  // namespace kernel::pte_rules
