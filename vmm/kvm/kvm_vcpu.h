// One KVM vCPU: its descriptor, its shared kvm_run area, and the state that is set once.
//
// Registers travel in the shared area (KVM_CAP_SYNC_REGS): general and special registers and
// pending events are valid after every run; what the caller changes it marks in kvm_dirty_regs.
#pragma once

#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kvm/kvm_ioctl.h"
#include "kvm/kvm_vm.h"
#include "kvm/unique_fd.h"

namespace vmm {

struct MsrValue {
  uint32_t index;
  uint64_t value;
};

class KvmVcpu {
 public:
  static absl::StatusOr<KvmVcpu> create(const KvmVm& vm, unsigned id);
  KvmVcpu(KvmVcpu&& other) noexcept;
  KvmVcpu& operator=(KvmVcpu&&) = delete;
  ~KvmVcpu();

  absl::Status set_msrs(std::span<const MsrValue> values);
  absl::StatusOr<uint64_t> msr(uint32_t index);
  absl::Status get_special_registers(kvm_sregs& out);
  absl::Status set_special_registers(const kvm_sregs& in);
  absl::Status set_extended_control(uint64_t xcr0);

  // One KVM_RUN. 0, or the errno (EINTR: a signal or immediate_exit ended it).
  int run();

  kvm_run& shared() { return *run_; }
  const kvm_run& shared() const { return *run_; }
  kvm_regs& regs() { return run_->s.regs.regs; }
  kvm_sregs& sregs() { return run_->s.regs.sregs; }
  kvm_vcpu_events& events() { return run_->s.regs.events; }
  const kvm_vcpu_events& events() const { return run_->s.regs.events; }
  void mark_regs_dirty() { run_->kvm_dirty_regs |= KVM_SYNC_X86_REGS; }
  void mark_sregs_dirty() { run_->kvm_dirty_regs |= KVM_SYNC_X86_SREGS; }
  void mark_events_dirty() { run_->kvm_dirty_regs |= KVM_SYNC_X86_EVENTS; }

 private:
  KvmVcpu() = default;
  UniqueFd fd_;
  kvm_run* run_ = nullptr;
  size_t run_size_ = 0;
};

}  // namespace vmm
