#include "cli/trace_facts.h"

#include "absl/strings/str_cat.h"

namespace vmm {

nlohmann::ordered_json trace_facts(const RunSettings& settings, const GuestInput& input,
                                   const KvmPlace& place) {
  const bool simulated = settings.engine == EngineKind::kSim;
  return {{"schema", "pvmmu-trace-1"},
          {"guest", input.guest_name},
          {"workload", input.workload_name},
          {"mode", settings.mode},
          {"engine", simulated ? "sim" : "kvm"},
          {"kvm", place.name},
          {"clock", simulated ? "virtual" : "host"},
          {"vcpus", settings.vcpus},
          {"memory_mib", settings.memory_mib},
          {"seed", settings.seed},
          {"tick_hz", settings.tick_hz},
          {"batch", absl::StrCat(queue_limits(settings).entries, ":",
                                 queue_limits(settings).argument_bytes)},
          {"split_ptl", settings.split_ptl},
          {"extensions", settings.extensions},
          {"notifier_protocol", notifier_protocol_name(settings)}};
}

std::string trace_name(const RunSettings& settings, const GuestInput& input,
                       const KvmPlace& place) {
  return absl::StrCat(
      "pvmmu ", input.workload_name.empty() ? input.guest_name : input.workload_name, " ",
      settings.mode, " ",
      settings.engine == EngineKind::kSim ? std::string("sim") : absl::StrCat(place.name, " KVM"));
}

}  // namespace vmm
