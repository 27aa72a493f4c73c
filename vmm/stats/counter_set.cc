#include "stats/counter_set.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "abi/xen.h"
#include "absl/strings/str_cat.h"
#include "stats/refusals.h"

namespace vmm {
namespace {

using Json = nlohmann::ordered_json;

struct NamedMmuCounter {
  std::string_view name;
  uint64_t pvmmu::MmuCounters::*value;
};
constexpr NamedMmuCounter kMmuCounters[] = {
#define VMM_MMU_COUNTER(name) {#name, &pvmmu::MmuCounters::name},
    PVMMU_MMU_COUNTERS(VMM_MMU_COUNTER)
#undef VMM_MMU_COUNTER
};
constexpr std::string_view kTlbPrefix = "tlb_";
constexpr std::string_view kOpsPrefix = "ops_";

Json traps_json(const Counters& counters) {
  Json traps = Json::object();
  for (unsigned i = 0; i < kTrapCauseCount; ++i) {
    const TrapCause cause = static_cast<TrapCause>(i);
    traps[trap_cause_name(cause)] = counters.trap(cause);
  }
  return traps;
}

uint64_t ops_of(const Counters& counters, unsigned number) {
  switch (number) {
    case __HYPERVISOR_mmu_update:
      return counters.mmu.ops_mmu_update;
    case __HYPERVISOR_mmuext_op:
      return counters.mmu.ops_mmuext;
    case __HYPERVISOR_update_va_mapping:
      return counters.mmu.ops_va_mapping;
    case __HYPERVISOR_multicall:
      return counters.multicall_ops;
    default:
      return 0;
  }
}

// The page-table hypercalls always, so that a reader need not ask; the others when they happened.
bool always_listed(unsigned number) {
  return number == __HYPERVISOR_mmu_update || number == __HYPERVISOR_mmuext_op ||
         number == __HYPERVISOR_update_va_mapping || number == __HYPERVISOR_multicall;
}

Json hypercalls_json(const Counters& counters) {
  Json hypercalls = Json::object();
  for (unsigned number = 0; number < kHypercallSlots; ++number) {
    const uint64_t calls = counters.hypercalls[number];
    const uint64_t ops = ops_of(counters, number);
    if (calls == 0 && ops == 0 && !always_listed(number)) continue;
    hypercalls[hypercall_name(number)] = {{"calls", calls}, {"ops", ops}};
  }
  return hypercalls;
}

Json unimplemented_json(const Counters& counters) {
  Json unimplemented = Json::object();
  for (unsigned number = 0; number < kHypercallSlots; ++number) {
    if (counters.unimplemented[number] == 0) continue;
    unimplemented[hypercall_name(number)] = counters.unimplemented[number];
  }
  return unimplemented;
}

Json sizes_json(const MulticallSizes& sizes) {
  Json bins = Json::object();
  for (unsigned bin = 0; bin <= MulticallSizes::kLargestExact; ++bin) {
    if (sizes.count(bin) != 0) bins[std::to_string(bin)] = sizes.count(bin);
  }
  const uint64_t larger = sizes.count(MulticallSizes::kLargestExact + 1);
  if (larger != 0) bins["larger"] = larger;
  return bins;
}

Json multicall_json(const CounterSet& set) {
  return {{"calls", set.vmm.hypercall(__HYPERVISOR_multicall)},
          {"entries", set.vmm.multicall_entries},
          {"ops", set.vmm.multicall_ops},
          {"sizes", sizes_json(set.multicall_sizes)},
          {"flush_reasons",
           {{"slots", set.guest.flush_slots},
            {"args", set.guest.flush_args},
            {"callbacks", set.guest.flush_callbacks},
            {"explicit", set.guest.flush_explicit},
            {"leave", set.guest.flush_leave}}},
          {"callbacks", set.guest.callbacks},
          {"max_locks_held", set.guest.max_locks_held}};
}

Json mmu_json(const CounterSet& set) {
  Json mmu = Json::object();
  for (const NamedMmuCounter& counter : kMmuCounters) {
    if (counter.name.starts_with(kTlbPrefix)) continue;
    if (counter.name.starts_with(kOpsPrefix)) continue;  // printed with the hypercalls
    mmu[std::string(counter.name)] = set.vmm.mmu.*counter.value;
  }
  // In place of their bare sum.
  mmu["refusals"] = refusals_by_errno_json(set.vmm.mmu);
  mmu["refusals_by_rule"] = refusals_by_rule_json(set.vmm.mmu);
  return mmu;
}

Json tlb_json(const Counters& counters) {
  Json tlb = Json::object();
  for (const NamedMmuCounter& counter : kMmuCounters) {
    if (!counter.name.starts_with(kTlbPrefix)) continue;
    tlb[std::string(counter.name.substr(kTlbPrefix.size()))] = counters.mmu.*counter.value;
  }
  tlb["remote_kicks"] = counters.remote_kicks;
  tlb["coherence_touches"] = counters.coherence_touches;
  return tlb;
}

Json exits_json(const Counters& counters) {
  Json exits = Json::object();
  for (unsigned i = 0; i < kExitReasonCount; ++i) {
    const ExitReason reason = static_cast<ExitReason>(i);
    if (counters.exit(reason) != 0) exits[exit_reason_name(reason)] = counters.exit(reason);
  }
  return exits;
}

}  // namespace

void CounterSet::add(const Counters& counters, const MulticallSizes& sizes) {
  vmm += counters;
  multicall_sizes += sizes;
}

void CounterSet::add(const guest_abi::GuestCounters& counters) {
  const uint64_t locks = std::max(guest.max_locks_held, counters.max_locks_held);
#define VMM_ADD(name) guest.name += counters.name;
  GUEST_ABI_COUNTERS(VMM_ADD)
#undef VMM_ADD
  guest.max_locks_held = locks;
}

bool CounterSet::empty() const {
  uint64_t any = 0;
#define VMM_ANY(name) any |= guest.name;
  GUEST_ABI_COUNTERS(VMM_ANY)
#undef VMM_ANY
  for (const uint64_t word : counter_words(vmm)) any |= word;
  return any == 0;
}

void append_counters(Json& object, const CounterSet& set) {
  object["page_table_traps"] = page_table_traps(set.vmm);
  object["traps"] = traps_json(set.vmm);
  object["hypercalls"] = hypercalls_json(set.vmm);
  object["multicall"] = multicall_json(set);
  object["mmu"] = mmu_json(set);
  object["tlb"] = tlb_json(set.vmm);
  object["upcalls"] = set.vmm.upcalls;
  object["kernel"] = {{"pte_updates", set.guest.pte_updates},
                      {"context_switches", set.guest.context_switches},
                      {"spurious_faults", set.guest.spurious_faults},
                      {"secondary_retries", set.guest.secondary_retries}};
  object["unimplemented"] = unimplemented_json(set.vmm);
  object["exits"] = exits_json(set.vmm);
}

std::vector<std::string> counter_keys() {
  Json object = Json::object();
  append_counters(object, CounterSet{});
  std::vector<std::string> keys;
  for (const auto& item : object.items()) keys.push_back(item.key());
  return keys;
}

std::vector<std::string> varying_counter_paths() {
  std::vector<std::string> paths;
  for (unsigned i = 0; i < kTrapCauseCount; ++i) {
    const TrapCause cause = static_cast<TrapCause>(i);
    if (!trap_cause_repeats(cause))
      paths.push_back(absl::StrCat("/traps/", trap_cause_name(cause)));
  }
  for (const char* path :
       {"/tlb/remote_kicks", "/tlb/coherence_touches", "/kernel/spurious_faults", "/exits"}) {
    paths.push_back(path);
  }
  return paths;
}

}  // namespace vmm
