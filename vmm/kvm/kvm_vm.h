// One KVM virtual machine and its memory slots. Errors are absl::Status with the ioctl's name and
// errno; nothing here knows of guests.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kvm/unique_fd.h"

namespace vmm {

// The status of a failed system call: "WHAT: strerror". Keeps ENOENT, EACCES and ENOMEM apart.
absl::Status errno_status(const char* what, int error);

class KvmVm {
 public:
  // Opens /dev/kvm, checks the API version and the capabilities that the VMM cannot do without
  // (user memory, synchronised registers, immediate exit), and makes a VM without interrupt chips.
  static absl::StatusOr<KvmVm> create();

  // Maps host memory at a guest-physical address. Both page-aligned; the memory must outlive the
  // VM.
  absl::Status add_memory(unsigned slot, uint64_t guest_address, void* host, size_t size);

  int fd() const { return vm_.get(); }
  int device_fd() const { return device_.get(); }
  // Size in bytes of a vCPU's shared kvm_run area.
  size_t run_size() const { return run_size_; }

 private:
  UniqueFd device_;
  UniqueFd vm_;
  size_t run_size_ = 0;
};

}  // namespace vmm
