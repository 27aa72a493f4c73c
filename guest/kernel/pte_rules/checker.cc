#include "pte_rules/checker.h"

#include "accounting.h"
#include "arch/cpu.h"
#include "mm/pv/accessors.h"
#include "mm/pv/entry_memory.h"
#include "mm/pv/table_lock.h"
#include "mm/pv/tables.h"
#include "mm/pv/vcpu_state.h"
#include "options.h"
#include "panic.h"
#include "pte_rules/backtrace.h"
#include "pte_rules/breach_text.h"
#include "pte_rules/hooks.h"
#include "pte_rules/life_trace.h"
#include "pte_rules/models.h"
#include "pte_rules/record_table.h"
#include "spinlock.h"

namespace kernel::pte_rules {

constinit bool on = false;

namespace {

using guest_abi::PteEventRecord;
using guest_abi::PteModel;

// Touched under the lock only; a vCPU's part tells what it is about.
struct CpuState {
  const Page* intent_table = nullptr;
  uint64_t intent_address = 0;
  PteEvent intent = PteEvent::kNone;
  UserPte before;  // when the intent began
  const Page* read_table = nullptr;
  uint64_t read_address = 0;
  PteEventRecord read{};  // the last one
  bool lazy = false;
  PteEventRecord lazy_entered{};
};

constinit Spinlock lock;
constinit Settings settings;
constinit RecordTable records;
constinit CpuState cpus[kMaxCpus];
constexpr PteEventRecord kNothing{};

bool judges(PteModel model) {
  return (settings.models & static_cast<uint32_t>(model)) != 0;
}

// One event under judgement: holds the lock, and panics when it has been given back.
class Event {
 public:
  Event(PteEvent kind, uint64_t before, uint64_t after) {
    lock.lock();
    ++accounting_rules().events;
    event_.kind = kind;
    event_.vcpu = current_cpu();
    event_.before = before;
    event_.after = after;
  }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void set_before(uint64_t before) { event_.before = before; }
  // The event concerned an entry, which may be the one that is traced.
  void concerns(const PtePlace& place, const Record* followed, bool is_intent) {
    if (place.address == settings.traced) {
      const uint32_t pending = followed != nullptr ? followed->pending : 0;
      print_moment({record(), place.mm, pending, pv_this_vcpu().lazy, true, is_intent, 0});
    }
  }
  void concerns(const Record& followed, uint64_t calls = 0) {
    if (followed.address == settings.traced) {
      print_moment({record(), *followed.mm, followed.pending, false, false, false, calls});
    }
  }
  CpuState& cpu() { return cpus[event_.vcpu]; }
  const PteEventRecord& record() {
    if (event_.backtrace[0] == 0) {
      capture_backtrace(event_.backtrace);
    }
    return event_;
  }
  // One of the models says that a rule is broken, by this event and an earlier one.
  void breaks(PteRule rule, const PteEventRecord& first, uint64_t address) {
    const auto number = static_cast<uint32_t>(rule);
    if (rule == PteRule::kNone || (guest_abi::kPteRules[number].models & settings.models) == 0) {
      return;
    }
    guest_abi::PteRuleReport& report = accounting_rules();
    if (report.breaches[number]++ == 0) {
      print_breach(rule, address, first, record());
    }
    if (report.rule == PteRule::kNone) {
      report.rule = rule;
      report.address = address;
      report.first = first;
      report.second = record();
    }
    if (broken_ == PteRule::kNone) {
      broken_ = rule;
    }
  }
  // To be called last: not a destructor, because it may not come back.
  void end() {
    lock.unlock();
    if (broken_ != PteRule::kNone && !settings.report) {
      panic("pte rule R%u is broken", static_cast<unsigned>(broken_));
    }
  }

 private:
  PteEventRecord event_{};
  PteRule broken_ = PteRule::kNone;
};

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
  if (record.pending == 0) {
    record.vcpu = event.record().vcpu;
  }
  if (was_valid && takes_away(change.kind)) {
    set_pending(record, kOwesFlush, true);
    set_pending(record, kHashBatched, change.lazy);
  }
  if (was_valid && clears(change.kind)) {
    set_pending(record, kCleared, true);
    set_pending(record, kHashCleared, change.lazy);
  }
  set_pending(record, kHidden, change.kind == PteEvent::kHide);
  set_pending(record, kOpen, change.kind == PteEvent::kModifyStart);
  if (change.kind == PteEvent::kModifyStart) {
    record.started = change.before.raw();
  }
  records.settle(record);
}

void judge(const Change& change, Event& event, const PtePlace& place) {
  const PteEventRecord& last = change.record != nullptr ? change.record->last : kNothing;
  event.breaks(judge_common(change), last, place.address);
  const PteEventRecord& lazy = event.cpu().lazy_entered;
  if (judges(PteModel::kX86Xen)) {
    const PteRule rule = judge_x86_xen(change);
    event.breaks(rule, rule == PteRule::kFlushedInLazy ? lazy : last, place.address);
  }
  if (judges(PteModel::kPowerpcHash)) {
    const PteRule rule = judge_powerpc_hash(change);
    event.breaks(rule, rule == PteRule::kDuplicateHash ? lazy : last, place.address);
  }
  if (judges(PteModel::kS390)) {
    event.breaks(judge_s390(change), last, place.address);
  }
}

void note_read(const PtePlace& place, uint64_t value) {
  Event event(PteEvent::kRead, value, value);
  CpuState& cpu = event.cpu();
  cpu.read_table = &place.table;
  cpu.read_address = place.address;
  cpu.read = event.record();
  const Record* record = records.find(place);
  if (record != nullptr && (record->pending & kQueued) != 0 && judges(PteModel::kX86Xen)) {
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
  settings = wanted;
  records.start(storage, byte_count);
  for (CpuState& cpu : cpus) {
    cpu = CpuState();
  }
  guest_abi::PteRuleReport& report = accounting_rules();
  report = {};
  report.models = settings.models;
  report.entries_followed = records.capacity();
  on = settings.any();
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
    record = records.find_or_make(place, table_lock);
    if (record == nullptr) {
      ++accounting_rules().events_not_judged;
    }
  }
  change.record = record;
  change.before = entry_now(place, record);
  event.set_before(change.before.raw());
  CpuState& cpu = event.cpu();
  cpu.intent = kind;
  cpu.intent_table = &place.table;
  cpu.intent_address = place.address;
  cpu.before = change.before;
  judge(change, event, place);
  if (record != nullptr) {
    remember(change, *record, event);
  }
  event.concerns(place, record, true);
  event.end();
}

void note_store(PteEvent kind, const PtePlace& place, uint64_t after) {
  if (!place.mm.pinned) {
    return;
  }
  Event event(kind, 0, after);
  CpuState& cpu = event.cpu();
  Record* record = records.find(place);
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
  if (judges(PteModel::kX86Xen)) {
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
    records.settle(*record);
  }
  event.concerns(place, record, false);
  event.end();
}

void note_unlock(const Spinlock& released) {
  Event event(PteEvent::kUnlock, 0, 0);
  records.for_each_pending([&](Record& record) {
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
    records.for_each_pending([&event](Record& record) {
      if (record.vcpu == event.record().vcpu && (record.pending & kHashBatched) != 0) {
        record.pending &= ~uint32_t{kHashBatched | kHashCleared};
        event.concerns(record);
      }
    });
  }
  event.end();
}

void note_queue_issued(unsigned call_count) {
  Event event(PteEvent::kQueueIssued, 0, 0);
  records.for_each_pending([&event, call_count](Record& record) {
    if (record.vcpu == event.record().vcpu && (record.pending & kQueued) != 0) {
      record.pending &= ~uint32_t{kQueued | kQueuedKeeps};
      event.concerns(record, call_count);
    }
  });
  event.end();
}

void note_flush(const Mm* mm, const uint64_t* address) {
  Event event(PteEvent::kFlush, 0, 0);
  records.for_each_pending([&event, mm, address](Record& record) {
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
  if (const Record* record = records.find(table, settings.traced)) {
    event.concerns(*record);
  }
  records.forget(table);
  event.end();
}

void note_operation_end() {
  Event event(PteEvent::kOperationEnds, 0, 0);
  CpuState& cpu = event.cpu();
  if (cpu.lazy) {
    event.breaks(PteRule::kLazyNesting, cpu.lazy_entered, 0);
    cpu.lazy = false;
  }
  records.for_each_pending([&event](Record& record) {
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
