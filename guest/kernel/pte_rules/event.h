// What the checker is made of, and one event under its judgement.
#pragma once

#include "accounting.h"
#include "arch/cpu.h"
#include "mm/pv/accessors.h"
#include "mm/pv/vcpu_state.h"
#include "panic.h"
#include "pte_rules/backtrace.h"
#include "pte_rules/breach_text.h"
#include "pte_rules/checker.h"
#include "pte_rules/life_trace.h"
#include "pte_rules/powerpc_hash.h"
#include "pte_rules/record_table.h"
#include "spinlock.h"

namespace kernel::pte_rules {

// What one vCPU is about.
struct CpuState {
  const Page* intent_table = nullptr;
  uint64_t intent_address = 0;
  PteEvent intent = PteEvent::kNone;
  UserPte before;  // when the intent began
  const Page* read_table = nullptr;
  uint64_t read_address = 0;
  guest_abi::PteEventRecord read{};  // the last one
  bool lazy = false;
  guest_abi::PteEventRecord lazy_entered{};
};

// All but the settings is touched under the lock only.
struct CheckerState {
  Spinlock lock;
  Settings settings;
  RecordTable records;
  PowerpcHash hash;
  CpuState cpus[kMaxCpus];

  bool judges(guest_abi::PteModel model) const {
    return (settings.models & static_cast<uint32_t>(model)) != 0;
  }
};
extern constinit CheckerState checker;

// One event under judgement: holds the lock, and panics when it has been given back. To be used in
// the hook itself, since a backtrace begins with the hook's caller.
class Event {
 public:
  Event(PteEvent kind, uint64_t before, uint64_t after) {
    checker.lock.lock();
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
    if (place.address == checker.settings.traced) {
      const uint32_t pending = followed != nullptr ? followed->pending : 0;
      print_moment({record(), place.mm, pending, pv_this_vcpu().lazy, true, is_intent, 0});
    }
  }
  // `as` is what is told of it; kNone: the event itself.
  void concerns(const Record& followed, uint64_t calls = 0, PteEvent as = PteEvent::kNone) {
    if (followed.address == checker.settings.traced) {
      guest_abi::PteEventRecord told = record();
      told.kind = as == PteEvent::kNone ? told.kind : as;
      print_moment({told, *followed.mm, followed.pending, false, false, false, calls});
    }
  }
  unsigned vcpu() const { return event_.vcpu; }
  CpuState& cpu() { return checker.cpus[event_.vcpu]; }
  [[gnu::always_inline]] const guest_abi::PteEventRecord& record() {
    if (event_.backtrace[0] == 0) {
      capture_backtrace(event_.backtrace);
    }
    return event_;
  }
  // One of the models says that a rule is broken, by this event and an earlier one.
  void breaks(PteRule rule, const guest_abi::PteEventRecord& first, uint64_t address) {
    const auto number = static_cast<uint32_t>(rule);
    if (rule == PteRule::kNone ||
        (guest_abi::kPteRules[number].models & checker.settings.models) == 0) {
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
    checker.lock.unlock();
    if (broken_ != PteRule::kNone && !checker.settings.report) {
      panic("pte rule R%u is broken", static_cast<unsigned>(broken_));
    }
  }

 private:
  guest_abi::PteEventRecord event_{};
  PteRule broken_ = PteRule::kNone;
};

}  // namespace kernel::pte_rules
