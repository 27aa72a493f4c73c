#include "stats/statistics.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "stats/counter_set.h"
#include "stats/phase_name.h"
#include "stats/varying_paths.h"

namespace vmm {
namespace {

using Json = nlohmann::ordered_json;
using guest_abi::kFirstLabelPhase;
using guest_abi::kMaxPhases;
using guest_abi::kOperationCount;

// A phase or an operation, over all vCPUs.
struct Share {
  CounterSet counters;
  std::chrono::nanoseconds time{0};

  void add(const PhaseAttribution::Bucket& bucket) {
    counters.add(bucket.counters, bucket.multicall_sizes);
    time += bucket.time;
  }
  void append_to(Json& object) const {
    append_counters(object, counters);
    object["vcpu_seconds"] = std::chrono::duration<double>(time).count();
  }
};

CounterSet vcpu_counters(const VcpuStatistics& vcpu) {
  CounterSet set;
  set.add(vcpu.counters, MulticallSizes{});
  for (uint32_t phase = 0; phase < kMaxPhases; ++phase) {
    set.multicall_sizes += vcpu.attribution->phase_total(phase).multicall_sizes;
    if (vcpu.accounting) set.add(vcpu.accounting->phases[phase]);
  }
  return set;
}

Share phase_share(std::span<const VcpuStatistics> vcpus, uint32_t phase) {
  Share share;
  for (const VcpuStatistics& vcpu : vcpus) {
    share.add(vcpu.attribution->phase_total(phase));
    if (vcpu.accounting) share.counters.add(vcpu.accounting->phases[phase]);
  }
  return share;
}

Share operation_share(std::span<const VcpuStatistics> vcpus, uint32_t operation) {
  Share share;
  for (const VcpuStatistics& vcpu : vcpus) {
    share.add(vcpu.attribution->operation_total(operation));
    if (vcpu.operations) share.counters.add(vcpu.operations->operations[operation]);
  }
  return share;
}

// Every labelled phase of the workload, and any other one in which something was counted.
Json phases_json(const RunFacts& facts, std::span<const VcpuStatistics> vcpus) {
  Json phases = Json::array();
  for (uint32_t phase = 0; phase < kMaxPhases; ++phase) {
    const Share share = phase_share(vcpus, phase);
    const bool labelled =
        phase >= kFirstLabelPhase && phase - kFirstLabelPhase < facts.phase_labels.size();
    if (share.counters.empty() && !labelled) continue;
    Json object = {{"label", phase_name(facts.phase_labels, phase)}};
    share.append_to(object);
    phases.push_back(std::move(object));
  }
  return phases;
}

Json operations_json(std::span<const VcpuStatistics> vcpus) {
  Json operations = Json::object();
  for (uint32_t operation = 0; operation < kOperationCount; ++operation) {
    const Share share = operation_share(vcpus, operation);
    if (share.counters.empty()) continue;
    Json object = Json::object();
    share.append_to(object);
    operations[guest_abi::kOperationNames[operation]] = std::move(object);
  }
  return operations;
}

Json facts_json(const RunFacts& facts) {
  return {{"schema", "pvmmu-stats-1"},
          {"guest", facts.guest},
          {"workload", facts.workload},
          {"mode", facts.mode},
          {"engine", facts.engine},
          {"kvm", facts.kvm},
          {"vcpus", facts.vcpus},
          {"memory_mib", facts.memory_mib},
          {"seed", facts.seed},
          {"tick_hz", facts.tick_hz},
          {"batch", absl::StrCat(facts.batch_entries, ":", facts.batch_argument_bytes)},
          {"split_ptl", facts.split_ptl},
          {"extensions", facts.extensions},
          {"notifier_protocol", facts.notifier_protocol},
          {"exit_code", facts.exit_code}};
}

}  // namespace

Json statistics_json(const RunFacts& facts, std::span<const VcpuStatistics> vcpus) {
  Json statistics = facts_json(facts);
  CounterSet total;
  Json per_vcpu = Json::array();
  for (const VcpuStatistics& vcpu : vcpus) {
    const CounterSet set = vcpu_counters(vcpu);
    total.add(set.vmm, set.multicall_sizes);
    total.add(set.guest);
    Json object = Json::object();
    append_counters(object, set);
    per_vcpu.push_back(std::move(object));
  }
  append_counters(statistics, total);
  statistics["phases"] = phases_json(facts, vcpus);
  statistics["operations"] = operations_json(vcpus);
  statistics["per_vcpu"] = std::move(per_vcpu);
  statistics["refusal_records"] = facts.refusal_records;
  statistics["refusal_records_dropped"] = facts.refusal_records_dropped;
  if (!facts.accelerator.is_null()) statistics["accelerator"] = facts.accelerator;
  if (!facts.pte_rules.is_null()) statistics["pte_rules"] = facts.pte_rules;
  if (!facts.frames_at_end.is_null()) statistics["frames_at_end"] = facts.frames_at_end;
  statistics["wall_seconds"] = facts.wall_seconds;
  statistics["nondeterministic"] = varying_paths(facts);
  statistics["partial"] = facts.partial;
  return statistics;
}

}  // namespace vmm
