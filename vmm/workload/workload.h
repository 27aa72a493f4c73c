// Workloads: the scripts (*.wl, docs/workloads.md) that the guest's processes run.
//
// Text is compiled to a program (guest_abi/workload.h), which is handed to the guest as its boot
// module. Errors are InvalidArgument with the message "FILE:LINE: reason". Nothing here reads
// files.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>
#include "absl/strings/string_view.h"

#include "absl/status/statusor.h"

namespace vmm {

// The program of a script. `name` stands in messages, on the host and in the guest.
absl::StatusOr<std::vector<std::byte>> compile_workload(absl::string_view text,
                                                        absl::string_view name);

// The script in its canonical layout, without comments; it compiles to the same program but for
// line numbers.
absl::StatusOr<std::string> format_workload(absl::string_view text, absl::string_view name);

// A program's ops, one a line, for people.
absl::StatusOr<std::string> list_program(std::span<const std::byte> program);

// The phase labels of a program, in the order of their phases: the first is kFirstLabelPhase.
absl::StatusOr<std::vector<std::string>> label_names(std::span<const std::byte> program);

// A script that is part of the binary.
struct BuiltinWorkload {
  absl::string_view name;
  absl::string_view text;
  // The first line of its header comment.
  absl::string_view summary() const;
};

// In order of name.
std::span<const BuiltinWorkload> builtin_workloads();
// nullptr if there is none of this name.
const BuiltinWorkload* find_workload(absl::string_view name);

}  // namespace vmm
