#include "absl/strings/str_cat.h"
#include "cli/command.h"
#include "cli/flag_set.h"
#include "cli/messages.h"
#include "cli/nested_run.h"
#include "probe/kvm_probe.h"

namespace vmm {
namespace {

constexpr const char* kName = "probe";

void add_flags(FlagSet& flags, bool& json, RunSettings& settings) {
  flags.add_switch("json", "One line of JSON instead of words.", json);
  add_kvm_flag(flags, "host", settings);
}

}  // namespace

std::string probe_help() {
  bool json = false;
  RunSettings settings;
  FlagSet flags("pvmmu probe");
  add_flags(flags, json, settings);
  return absl::StrCat(
      "Says what kind of KVM this machine has, and what pvmmu makes of it: the gate that\n"
      "hypercalls take, how changed page-table entries reach the processor, what an exit costs.\n"
      "\n"
      "  pvmmu probe [--json] [--kvm=...]\n"
      "\n"
      "Can this machine run guests at all? (status 3 and the reason if not)\n"
      "  pvmmu probe\n"
      "The cost of a hypercall, for a script:\n"
      "  pvmmu probe --json | jq .round_trip_microseconds\n"
      "The emulated KVM with shadow paging:\n"
      "  pvmmu probe --kvm=nested-shadow\n"
      "\n"
      "Flags\n",
      flags.help());
}

int probe_command(const Arguments& arguments) {
  bool json = false;
  RunSettings settings;
  settings.kvm = KvmChoice::kHost;
  FlagSet flags("pvmmu probe");
  add_flags(flags, json, settings);
  const absl::StatusOr<Arguments> others = flags.parse(arguments);
  if (!others.ok()) return usage_error(kName, others.status().message());
  if (flags.help_requested()) return print_help(probe_help());
  if (!others->empty()) {
    return usage_error(kName, absl::StrCat("it takes flags only, not ", others->front()));
  }
  const absl::StatusOr<KvmPlace> place = choose_kvm(settings.kvm);
  if (!place.ok()) return host_cannot(place.status());
  if (place->nested) return run_nested_command(kName, arguments, *place, settings.memory_mib, {});
  return print_help(json ? absl::StrCat(to_json(place->traits), "\n") : describe(place->traits));
}

}  // namespace vmm
