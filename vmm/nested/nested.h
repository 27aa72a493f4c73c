// Runs this very program inside the nested bed: a stock Debian kernel with kvm-amd under QEMU's
// software emulation of a processor with SVM. For machines whose own /dev/kvm is absent or unfit.
//
// The program, its shared libraries and the named input files travel into the bed's RAM disk under
// the paths they have here, and the program is started in the same working directory, so that its
// arguments mean the same on both sides. What it writes to standard output and standard error comes
// out of this process; named output files are written whole, by rename, or not at all.
//
// Invariants: no shell, no root, no temporary file on this side beside the output files; QEMU dies
// with the calling thread, whatever ends it.
//
// It does not choose between host and nested, does not read arguments (the caller says which files
// they name), and does not prepare the bed: scripts/nested-bed does.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace vmm {

struct NestedOptions {
  // Where scripts/nested-bed put kernel and base RAM disk. Empty: default_bed_directory().
  std::string bed_directory;
  // Nested paging of the bed's KVM; false makes it a shadow-paging one.
  bool npt = true;
  // Processors of the emulated machine. Threads of a guest's vCPUs share one well.
  unsigned cpus = 1;
  // RAM of the emulated machine. The domain's memory comes out of it.
  unsigned memory_mib = 2048;
  // Wall time for the inner program; boot, which has a limit of its own, does not count. Give more
  // than the time-out that the program keeps itself, since only that one ends with statistics.
  std::optional<std::chrono::seconds> timeout;
  // Where the inner program's standard output and standard error go.
  int output_fd = 1;
  int error_fd = 2;
};

struct NestedFiles {
  std::vector<std::string> inputs = {};  // read here, present inside under the same path
  std::vector<std::string> outputs =
      {};  // fetched when the inner program has ended, if it made them
};

// $PVMMU_NESTED_BED, or $XDG_CACHE_HOME/pvmmu/nested, or ~/.cache/pvmmu/nested.
std::string default_bed_directory();

// Runs `/proc/self/exe arguments...` inside and returns its exit status. `arguments` are what the
// inner program sees after argv[0]: the caller has put --kvm=host in place of --kvm=nested.
//
// ^C (SIGINT, SIGTERM) goes to the inner program once; if it has not ended 10 s later, or at the
// second ^C, the bed is torn down: 130. When `timeout` runs out the same happens with 124.
// A program killed by signal S inside gives 128 + S.
//
// Errors: InvalidArgument for an input that cannot be read or an output that cannot be written
// (exit status 2 of the command line); anything else means that this host cannot (exit status 3):
// FailedPrecondition when QEMU or the bed is missing, with the command that prepares it, and
// Unavailable when the bed did not boot at the second attempt either, or broke down, with the end
// of its log.
//
// Blocks SIGINT and SIGTERM in the calling thread meanwhile; no other thread may take them.
absl::StatusOr<int> run_nested(const NestedOptions& options, std::span<const std::string> arguments,
                               const NestedFiles& files);

}  // namespace vmm
