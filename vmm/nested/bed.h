// The files of the bed on this host, as scripts/nested-bed made them, and the emulator's program.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace vmm {

struct Bed {
  std::string qemu;          // path of qemu-system-x86_64
  std::string kernel;        // path of the kernel image
  std::string base_ramdisk;  // path of the archive with busybox and the modules
};

// FailedPrecondition, with the command that mends it, if something is missing.
absl::StatusOr<Bed> find_bed(const std::string& directory);

}  // namespace vmm
