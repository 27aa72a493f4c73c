// What hypercalls and devices ask of the domain: references to its frames, its vCPUs, its console.
#include <algorithm>
#include <mutex>

#include "kvm/kvm_vcpu.h"
#include "machine/domain.h"
#include "machine/guest_flags.h"

namespace vmm {

using pvmmu::LinearAddr;
using pvmmu::Mfn;

template <typename Get>
std::byte* Domain::get_frame(Mfn frame, VcpuId vcpu, Get get) {
  const unsigned id = vcpu_index(vcpu);
  pvmmu::MmuCounters of_the_builder{};  // the console's ring is taken before there are vCPUs
  pvmmu::MmuCounters& counters = vcpus_.empty() ? of_the_builder : vcpus_[id]->mmu_counters();
  pvmmu::Refusal refusal;
  pvmmu::Call call{vcpu, counters, refusal, true};
  if (get(call) == 0) return memory_.frame(frame);
  note_refusal(id, refusal, [frame] { return AskedFor{.frame = frame}; });
  return nullptr;
}

std::byte* Domain::get_writable(Mfn frame, VcpuId vcpu, const char* operation) {
  return get_frame(frame, vcpu,
                   [&](pvmmu::Call& call) { return mmu_->get_writable(call, operation, frame); });
}

std::byte* Domain::get_for_device(Mfn frame, VcpuId vcpu, const char* operation) {
  return get_frame(frame, vcpu,
                   [&](pvmmu::Call& call) { return mmu_->get_for_device(call, operation, frame); });
}

void Domain::put_for_device(Mfn frame) {
  platform_.note_host_write(frame);  // as below
  mmu_->put_for_device(frame);
}

void Domain::put_writable(Mfn frame) {
  // What the VMM wrote there by itself no shadow MMU has seen.
  platform_.note_host_write(frame);
  mmu_->put_writable(frame);
}

void Domain::notify_event(VcpuId vcpu) {
  vcpus_[vcpu_index(vcpu)]->wake();
}

// [xen/public/arch-x86/xen.h: vcpu_guest_context]
int Domain::initialise(VcpuId vcpu, const vcpu_guest_context_t& context) {
  Vcpu& target = *vcpus_[vcpu_index(vcpu)];
  GuestCpu& cpu = target.cpu();
  const auto& user = context.user_regs;
  for (const uint64_t address : {user.rip, context.kernel_sp, context.event_callback_eip,
                                 context.failsafe_callback_eip, context.syscall_callback_eip,
                                 context.gs_base_kernel, context.gs_base_user, context.fs_base}) {
    if (!LinearAddr(address).canonical()) return -XEN_EINVAL;
  }
  const std::optional<unsigned> gdt_frames = Vcpu::descriptor_frame_count(context.gdt_ents);
  if ((context.flags & VGCF_in_kernel) == 0 || !gdt_frames) return -XEN_EINVAL;
  const Mfn root(context.ctrlreg[3] >> pvmmu::kPageShift);
  const Mfn user_root =
      context.ctrlreg[1] == 0 ? pvmmu::kInvalidMfn : Mfn(context.ctrlreg[1] >> pvmmu::kPageShift);
  uint64_t frames[FIRST_RESERVED_GDT_PAGE];
  std::copy_n(context.gdt_frames, *gdt_frames, frames);
  if (const int64_t error = target.load_descriptor_frames({frames, *gdt_frames}); error != 0) {
    return static_cast<int>(error);
  }
  pvmmu::Refusal refusal;
  const int error = mmu_->set_initial_base_pointer(vcpu, root, user_root, &refusal);
  if (error != 0) {
    note_refusal(vcpu_index(vcpu), refusal, [&] { return AskedFor{.frame = root}; });
    target.load_descriptor_frames({});
    return error;
  }
  cpu.registers = {
      user.rax,         user.rbx,        user.rcx, user.rdx, user.rsi, user.rdi,
      user.rsp,         user.rbp,        user.r8,  user.r9,  user.r10, user.r11,
      user.r12,         user.r13,        user.r14, user.r15, user.rip, guest_flags(user.rflags),
      FLAT_KERNEL_CS64, FLAT_KERNEL_SS64};
  for (unsigned i = 0; i < cpu.trap_table.size(); ++i) {
    const trap_info_t& entry = context.trap_ctxt[i];
    if (entry.address == 0 || !LinearAddr(entry.address).canonical()) continue;
    cpu.trap_table[entry.vector] = {entry.address, static_cast<uint8_t>(TI_GET_DPL(&entry)),
                                    TI_GET_IF(&entry) != 0};
  }
  cpu.event_callback = {context.event_callback_eip, true};
  cpu.failsafe_callback = {context.failsafe_callback_eip,
                           (context.flags & VGCF_failsafe_disables_events) != 0};
  cpu.syscall_callback = {context.syscall_callback_eip,
                          (context.flags & VGCF_syscall_disables_events) != 0};
  cpu.kernel_stack = context.kernel_sp;
  Processor& processor = *processors_[vcpu_index(vcpu)];
  for (const MsrValue& msr :
       {MsrValue{0xc000'0100, context.fs_base}, MsrValue{0xc000'0101, context.gs_base_kernel},
        MsrValue{0xc000'0102, context.gs_base_user}}) {
    if (!processor.set_msr(msr.index, msr.value).ok()) return -XEN_EINVAL;
  }
  return 0;
}

void Domain::up(VcpuId vcpu) {
  vcpus_[vcpu_index(vcpu)]->set_up(true);
  vcpus_[vcpu_index(vcpu)]->wake();
}

void Domain::down(VcpuId vcpu) {
  vcpus_[vcpu_index(vcpu)]->set_up(false);
  vcpus_[vcpu_index(vcpu)]->wake();
}

bool Domain::is_up(VcpuId vcpu) {
  return vcpus_[vcpu_index(vcpu)]->up();
}

void Domain::write(std::string_view bytes) {
  std::lock_guard lock(console_mutex_);
  if (options_.console) options_.console(bytes);
}

}  // namespace vmm
