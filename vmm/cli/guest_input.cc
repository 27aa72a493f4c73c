#include "cli/guest_input.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/flag_set.h"
#include "cli/input_file.h"
#include "workload/workload.h"

// The bounds of the embedded ELF file (builtin_guest.S).
extern "C" {
extern const std::byte vmm_builtin_guest_begin[];
extern const std::byte vmm_builtin_guest_end[];
}

namespace vmm {
namespace {

constexpr const char* kDefaultWorkload = "hello";

absl::Status unknown_workload(const std::string& name) {
  std::vector<std::string> names;
  for (const BuiltinWorkload& workload : builtin_workloads()) names.emplace_back(workload.name);
  const std::string closest = closest_name(name, names);
  return absl::InvalidArgumentError(absl::StrCat("no workload is called ", name, "; ",
                                                 closest.empty()
                                                     ? "`pvmmu workloads` lists them"
                                                     : absl::StrCat("did you mean ", closest, "?"),
                                                 " (a file ends in .wl)"));
}

// `pvmmu run hello`, `pvmmu run mine.wl`
absl::Status workload_as_guest(const std::string& name) {
  return absl::InvalidArgumentError(
      absl::StrCat(name, " is a workload, not a guest: pass --workload=", name));
}

absl::StatusOr<std::string> workload_text(const std::string& workload) {
  if (names_workload_file(workload)) {
    const absl::StatusOr<std::vector<std::byte>> file = read_input_file(workload);
    if (!file.ok()) return file.status();
    return std::string(reinterpret_cast<const char*>(file->data()), file->size());
  }
  const BuiltinWorkload* builtin = find_workload(workload);
  if (builtin == nullptr) return unknown_workload(workload);
  return std::string(builtin->text);
}

absl::Status add_workload(const std::string& workload, GuestInput& input) {
  const absl::StatusOr<std::string> text = workload_text(workload);
  if (!text.ok()) return text.status();
  absl::StatusOr<std::vector<std::byte>> program = compile_workload(*text, workload);
  if (!program.ok()) return program.status();
  absl::StatusOr<std::vector<std::string>> labels = label_names(*program);
  if (!labels.ok()) return labels.status();
  input.workload_name = workload;
  input.program = *std::move(program);
  input.labels = *std::move(labels);
  return absl::OkStatus();
}

}  // namespace

std::span<const std::byte> builtin_guest() {
  return {vmm_builtin_guest_begin, vmm_builtin_guest_end};
}

bool names_workload_file(const std::string& workload) {
  return workload.ends_with(".wl") || workload.find('/') != std::string::npos;
}

absl::StatusOr<GuestInput> read_guest_input(const std::string& guest, const std::string& workload) {
  GuestInput input;
  input.guest_name = guest.empty() ? "built-in" : guest;
  if (!guest.empty()) {
    if (guest.ends_with(".wl")) return workload_as_guest(guest);
    absl::StatusOr<std::vector<std::byte>> file = read_input_file(guest);
    if (!file.ok()) return find_workload(guest) ? workload_as_guest(guest) : file.status();
    if (file->empty())
      return absl::InvalidArgumentError(absl::StrCat(guest, ": the file is empty"));
    input.file = *std::move(file);
  }
  const std::string chosen = workload.empty() && guest.empty() ? kDefaultWorkload : workload;
  if (chosen.empty()) return input;
  const absl::Status status = add_workload(chosen, input);
  if (!status.ok()) return status;
  return input;
}

}  // namespace vmm
