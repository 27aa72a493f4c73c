// The exit statuses of the command line. Nothing is written to standard output on 2 and 3.
#pragma once

namespace vmm {

enum class ExitStatus : int {
  kSuccess = 0,      // the guest finished well
  kGuestFailed = 1,  // the guest reported failure or crashed
  kUsage = 2,        // bad usage, or an unusable guest, workload or output file
  kHostCannot = 3,   // no KVM, no memory
  kTimedOut = 124,
  kInterrupted = 130,
};

constexpr int exit_code(ExitStatus status) {
  return static_cast<int>(status);
}

}  // namespace vmm
