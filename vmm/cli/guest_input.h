// What a run needs read before it starts: the guest and its workload.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace vmm {

// The guest kernel that the program carries in itself.
std::span<const std::byte> builtin_guest();

struct GuestInput {
  std::string guest_name;         // "built-in" or the file
  std::vector<std::byte> file;    // empty for the built-in guest
  std::string workload_name;      // empty: none
  std::vector<std::byte> module;  // the boot module: the compiled workload, or a file
  std::vector<std::string> labels;

  std::span<const std::byte> guest() const {
    return file.empty() ? builtin_guest() : std::span<const std::byte>(file);
  }
};

// `guest` empty: the built-in one, whose workload is "hello" if none is named. `module` is the file
// of a boot module, or empty; not with a workload. InvalidArgument with one line for a file that
// cannot be read, an unknown workload, or one with a mistake in it.
absl::StatusOr<GuestInput> read_guest_input(const std::string& guest, const std::string& workload,
                                            const std::string& module = {});

// True if the workload is a file rather than the name of a shipped one.
bool names_workload_file(const std::string& workload);

}  // namespace vmm
