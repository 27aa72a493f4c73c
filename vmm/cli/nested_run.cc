#include "cli/nested_run.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "cli/guest_input.h"
#include "cli/messages.h"
#include "nested/nested.h"

namespace vmm {
namespace {

// The bed boots in a few seconds; a loaded machine needs more.
constexpr std::chrono::seconds kBootAllowance{120};
constexpr uint64_t kBedMemoryMib = 1024;  // beside the guest's

int run_in_bed(NestedOptions options, const char* command, const Arguments& arguments,
               const NestedFiles& files) {
  Arguments inner = {command};
  for (const std::string& argument : with_bed_kvm(arguments)) inner.push_back(argument);
  const absl::StatusOr<int> status = run_nested(options, inner, files);
  return status.ok() ? *status : fail(status.status());
}

}  // namespace

Arguments with_bed_kvm(const Arguments& arguments) {
  Arguments result = {"--kvm=bed"};
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--") {
      result.insert(result.end(), arguments.begin() + static_cast<ptrdiff_t>(i), arguments.end());
      break;
    }
    if (argument == "--kvm") {
      ++i;  // its value stands apart
    } else if (!argument.starts_with("--kvm=")) {
      result.push_back(argument);
    }
  }
  return result;
}

int run_nested_run(const Arguments& arguments, const RunSettings& settings, const KvmPlace& place) {
  NestedOptions options;
  options.npt = place.npt;
  options.memory_mib = static_cast<unsigned>(settings.memory_mib + kBedMemoryMib);
  if (settings.timeout_seconds) {
    const auto seconds = static_cast<int64_t>(std::ceil(*settings.timeout_seconds));
    options.timeout = std::chrono::seconds(seconds) + kBootAllowance;
  }
  NestedFiles files;
  if (!settings.guest.empty()) files.inputs.push_back(settings.guest);
  if (!settings.module.empty()) files.inputs.push_back(settings.module);
  if (names_workload_file(settings.workload)) files.inputs.push_back(settings.workload);
  if (!settings.stats_file.empty()) files.outputs.push_back(settings.stats_file);
  if (!settings.trace_file.empty()) files.outputs.push_back(settings.trace_file);
  return run_in_bed(options, "run", arguments, files);
}

int run_nested_command(const char* command, const Arguments& arguments, const KvmPlace& place,
                       uint64_t memory_mib, const Arguments& input_files) {
  NestedOptions options;
  options.npt = place.npt;
  options.memory_mib = static_cast<unsigned>(memory_mib + kBedMemoryMib);
  return run_in_bed(options, command, arguments, {.inputs = input_files, .outputs = {}});
}

}  // namespace vmm
