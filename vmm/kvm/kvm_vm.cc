#include "kvm/kvm_vm.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "kvm/kvm_ioctl.h"

namespace vmm {
namespace {

// On VMX without unrestricted guest KVM wants three pages of its own; far above any guest memory.
constexpr unsigned long kVmxTssAddress = 0xfffb'd000;

absl::Status check_capability(int fd, int capability, const char* name) {
  if (ioctl(fd, KVM_CHECK_EXTENSION, capability) > 0) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("this KVM lacks ", name));
}

}  // namespace

absl::Status errno_status(const char* what, int error) {
  const auto text = absl::StrCat(what, ": ", std::strerror(error));
  switch (error) {
    case ENOENT:
    case ENODEV:
      return absl::NotFoundError(text);
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(text);
    case ENOMEM:
      return absl::ResourceExhaustedError(text);
    default:
      return absl::InternalError(text);
  }
}

absl::StatusOr<KvmVm> KvmVm::create() {
  KvmVm vm;
  vm.device_ = UniqueFd(open("/dev/kvm", O_RDWR | O_CLOEXEC));
  if (!vm.device_.valid()) return errno_status("open /dev/kvm", errno);
  const int device = vm.device_.get();
  const int version = ioctl(device, KVM_GET_API_VERSION, 0);
  if (version != KVM_API_VERSION) {
    return absl::UnavailableError(absl::StrCat("KVM API version ", version, ", not 12"));
  }
  const struct {
    int capability;
    const char* name;
  } needed[] = {{KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY"},
                {KVM_CAP_SYNC_REGS, "KVM_CAP_SYNC_REGS"},
                {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"}};
  for (const auto& need : needed) {
    if (auto status = check_capability(device, need.capability, need.name); !status.ok())
      return status;
  }
  vm.vm_ = UniqueFd(ioctl(device, KVM_CREATE_VM, 0));
  if (!vm.vm_.valid()) return errno_status("KVM_CREATE_VM", errno);
  if (ioctl(device, KVM_CHECK_EXTENSION, KVM_CAP_SET_TSS_ADDR) > 0 &&
      ioctl(vm.vm_.get(), KVM_SET_TSS_ADDR, kVmxTssAddress) < 0) {
    return errno_status("KVM_SET_TSS_ADDR", errno);
  }
  const int run_size = ioctl(device, KVM_GET_VCPU_MMAP_SIZE, 0);
  if (run_size < static_cast<int>(sizeof(kvm_run))) {
    return errno_status("KVM_GET_VCPU_MMAP_SIZE", errno);
  }
  vm.run_size_ = static_cast<size_t>(run_size);
  return vm;
}

absl::Status KvmVm::add_memory(unsigned slot, uint64_t guest_address, void* host, size_t size) {
  kvm_userspace_memory_region region{};
  region.slot = slot;
  region.guest_phys_addr = guest_address;
  region.memory_size = size;
  region.userspace_addr = reinterpret_cast<uint64_t>(host);
  if (ioctl(vm_.get(), KVM_SET_USER_MEMORY_REGION, &region) < 0) {
    return errno_status("KVM_SET_USER_MEMORY_REGION", errno);
  }
  return absl::OkStatus();
}

}  // namespace vmm
