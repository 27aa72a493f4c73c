#include "kvm/kvm_vcpu.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace vmm {
namespace {

constexpr unsigned kMaxCpuidEntries = 256;

// Gives the vCPU every CPUID leaf that this KVM supports. Without it EFER and the SYSCALL MSRs
// cannot be set on some KVMs.
absl::Status set_supported_cpuid(int device, int vcpu) {
  std::vector<uint64_t> storage(
      (sizeof(kvm_cpuid2) + kMaxCpuidEntries * sizeof(kvm_cpuid_entry2)) / 8 + 1);
  auto* cpuid = reinterpret_cast<kvm_cpuid2*>(storage.data());
  cpuid->nent = kMaxCpuidEntries;
  if (ioctl(device, kGetSupportedCpuid, cpuid) < 0) {
    return errno_status("KVM_GET_SUPPORTED_CPUID", errno);
  }
  if (ioctl(vcpu, kSetCpuid2, cpuid) < 0) return errno_status("KVM_SET_CPUID2", errno);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<KvmVcpu> KvmVcpu::create(const KvmVm& vm, unsigned id) {
  KvmVcpu vcpu;
  vcpu.fd_ = UniqueFd(ioctl(vm.fd(), KVM_CREATE_VCPU, static_cast<unsigned long>(id)));
  if (!vcpu.fd_.valid()) return errno_status("KVM_CREATE_VCPU", errno);
  if (auto status = set_supported_cpuid(vm.device_fd(), vcpu.fd_.get()); !status.ok())
    return status;
  void* area = mmap(nullptr, vm.run_size(), PROT_READ | PROT_WRITE, MAP_SHARED, vcpu.fd_.get(), 0);
  if (area == MAP_FAILED) return errno_status("mmap of kvm_run", errno);
  vcpu.run_ = static_cast<kvm_run*>(area);
  vcpu.run_size_ = vm.run_size();
  vcpu.run_->kvm_valid_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS;
  return vcpu;
}

KvmVcpu::KvmVcpu(KvmVcpu&& other) noexcept
    : fd_(std::move(other.fd_)),
      run_(std::exchange(other.run_, nullptr)),
      run_size_(other.run_size_) {}

KvmVcpu::~KvmVcpu() {
  if (run_ != nullptr) munmap(run_, run_size_);
}

absl::Status KvmVcpu::set_msrs(std::span<const MsrValue> values) {
  std::vector<uint64_t> storage((8 + values.size() * sizeof(kvm_msr_entry)) / 8);
  auto* header = reinterpret_cast<kvm_msrs*>(storage.data());
  header->nmsrs = static_cast<uint32_t>(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    kvm_msr_entry entry{values[i].index, 0, values[i].value};
    std::memcpy(reinterpret_cast<char*>(storage.data()) + 8 + i * sizeof(entry), &entry,
                sizeof(entry));
  }
  const int done = ioctl(fd_.get(), kSetMsrs, header);
  if (done < 0) return errno_status("KVM_SET_MSRS", errno);
  if (static_cast<size_t>(done) != values.size()) {
    return absl::InternalError(absl::StrCat("KVM_SET_MSRS refused MSR 0x",
                                            absl::Hex(values[static_cast<size_t>(done)].index)));
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> KvmVcpu::msr(uint32_t index) {
  uint64_t storage[1 + sizeof(kvm_msr_entry) / 8] = {1, 0, 0};
  kvm_msr_entry entry{index, 0, 0};
  std::memcpy(&storage[1], &entry, sizeof(entry));
  if (ioctl(fd_.get(), kGetMsrs, storage) != 1) return errno_status("KVM_GET_MSRS", errno);
  std::memcpy(&entry, &storage[1], sizeof(entry));
  return entry.data;
}

absl::Status KvmVcpu::get_special_registers(kvm_sregs& out) {
  if (ioctl(fd_.get(), KVM_GET_SREGS, &out) < 0) return errno_status("KVM_GET_SREGS", errno);
  return absl::OkStatus();
}

absl::Status KvmVcpu::set_special_registers(const kvm_sregs& in) {
  if (ioctl(fd_.get(), KVM_SET_SREGS, &in) < 0) return errno_status("KVM_SET_SREGS", errno);
  return absl::OkStatus();
}

absl::Status KvmVcpu::set_extended_control(uint64_t xcr0) {
  kvm_xcrs xcrs{};
  xcrs.nr_xcrs = 1;
  xcrs.xcrs[0].xcr = 0;
  xcrs.xcrs[0].value = xcr0;
  if (ioctl(fd_.get(), KVM_SET_XCRS, &xcrs) < 0) return errno_status("KVM_SET_XCRS", errno);
  return absl::OkStatus();
}

int KvmVcpu::run() {
  const int result = ioctl(fd_.get(), KVM_RUN, 0);
  return result < 0 ? errno : 0;
}

}  // namespace vmm
