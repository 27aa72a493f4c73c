// Hypercalls about this vCPU: handlers, stack, segments, debug registers.
// [xen/public/arch-x86/xen.h]
#include "machine/domain.h"
#include "machine/vcpu.h"
#include "pvmmu/mmu.h"

namespace vmm {
namespace {

using pvmmu::LinearAddr;

constexpr int64_t kOk = 0;
constexpr int64_t kFault = -XEN_EFAULT, kInvalid = -XEN_EINVAL, kNoSuchCall = -XEN_ENOSYS;
constexpr uint32_t kMsrFsBase = 0xc000'0100, kMsrGsBase = 0xc000'0101,
                   kMsrKernelGsBase = 0xc000'0102;

bool canonical(uint64_t address) {
  return LinearAddr(address).canonical();
}

}  // namespace

std::optional<int64_t> Vcpu::cpu_hypercall(uint64_t number, uint64_t (&arguments)[6]) {
  switch (number) {
    case __HYPERVISOR_set_trap_table:
      return set_trap_table(LinearAddr(arguments[0]));
    case __HYPERVISOR_callback_op:
      return callback_op(arguments[0], LinearAddr(arguments[1]));
    case __HYPERVISOR_set_callbacks:
      return set_callbacks(arguments[0], arguments[1], arguments[2]);
    case __HYPERVISOR_stack_switch:
      return stack_switch(arguments[0], arguments[1]);
    case __HYPERVISOR_set_segment_base:
      return set_segment_base(arguments[0], arguments[1]);
    case __HYPERVISOR_set_debugreg:
      return set_debug_register(arguments[0], arguments[1]);
    case __HYPERVISOR_get_debugreg:
      return get_debug_register(arguments[0]);
    case __HYPERVISOR_fpu_taskswitch:
      return kOk;  // CR0.TS is not enforced everywhere: no lazy FPU, and nothing to switch
    case __HYPERVISOR_set_gdt:
      return set_gdt(LinearAddr(arguments[0]), arguments[1]);
    case __HYPERVISOR_iret:
      return iret();
    default:
      return std::nullopt;
  }
}

// Entries are copied one by one up to one with address 0; a null table clears all handlers.
int64_t Vcpu::set_trap_table(LinearAddr table) {
  if (table.raw() == 0) {
    cpu_.trap_table.fill({});
    return kOk;
  }
  for (unsigned i = 0; i < cpu_.trap_table.size(); ++i) {
    trap_info_t entry;
    if (!copy_from_guest(&entry, table + i * sizeof(entry), sizeof(entry))) return kFault;
    if (entry.address == 0) return kOk;
    if (!canonical(entry.address)) return kInvalid;
    cpu_.trap_table[entry.vector] = {entry.address, static_cast<uint8_t>(TI_GET_DPL(&entry)),
                                     TI_GET_IF(&entry) != 0};
  }
  return kOk;
}

int64_t Vcpu::register_callback(unsigned type, uint64_t address, bool mask_events) {
  if (address != 0 && !canonical(address)) return kInvalid;
  switch (type) {
    case CALLBACKTYPE_event:
      cpu_.event_callback = {address, true};
      return kOk;
    case CALLBACKTYPE_failsafe:
      cpu_.failsafe_callback = {address, mask_events};
      return kOk;
    case CALLBACKTYPE_syscall:
      cpu_.syscall_callback = {address, mask_events};
      return kOk;
    // There is no sysenter, 32-bit syscall or NMI here to call back for; guests register them all
    // the same, and Xen accepts them.
    case CALLBACKTYPE_sysenter:
    case CALLBACKTYPE_syscall32:
    case CALLBACKTYPE_nmi:
      return kOk;
    default:
      return kNoSuchCall;
  }
}

int64_t Vcpu::callback_op(uint64_t command, LinearAddr argument) {
  switch (command) {
    case CALLBACKOP_register: {
      callback_register_t request;
      if (!copy_from_guest(&request, argument, sizeof(request))) return kFault;
      return register_callback(request.type, request.address,
                               (request.flags & CALLBACKF_mask_events) != 0);
    }
    case CALLBACKOP_unregister: {
      callback_unregister_t request;
      if (!copy_from_guest(&request, argument, sizeof(request))) return kFault;
      // As in Xen, the two that a guest cannot live without stay.
      if (request.type == CALLBACKTYPE_event || request.type == CALLBACKTYPE_failsafe) {
        return kInvalid;
      }
      return register_callback(request.type, 0, false);
    }
    default:
      return kNoSuchCall;
  }
}

int64_t Vcpu::set_callbacks(uint64_t event, uint64_t failsafe, uint64_t syscall) {
  for (const uint64_t address : {event, failsafe, syscall}) {
    if (address != 0 && !canonical(address)) return kInvalid;
  }
  cpu_.event_callback = {event, true};
  cpu_.failsafe_callback = {failsafe, true};
  cpu_.syscall_callback = {syscall, false};
  return kOk;
}

// Any address is taken: a bad one ends the guest at the next trap from user mode.
int64_t Vcpu::stack_switch(uint64_t, uint64_t rsp) {
  cpu_.kernel_stack = rsp;
  return kOk;
}

// The base in the guest's descriptor; 0 for a selector without a data segment of the guest, as a
// processor has it after a null selector was loaded.
uint64_t Vcpu::segment_base(uint16_t selector) const {
  constexpr uint16_t kLocalTable = 4;
  constexpr uint64_t kPresentDpl3Segment = uint64_t{0xf0} << 40, kCode = uint64_t{8} << 40;
  const auto frame = static_cast<unsigned>(selector / pvmmu::kPageSize);
  if ((selector & kLocalTable) != 0 || frame >= cpu_.descriptor_frames.size() ||
      cpu_.descriptor_frames[frame] == pvmmu::kInvalidMfn) {
    return 0;
  }
  const auto* descriptors =
      reinterpret_cast<const uint64_t*>(domain_.memory().frame(cpu_.descriptor_frames[frame]));
  const uint64_t descriptor =
      __atomic_load_n(&descriptors[selector % pvmmu::kPageSize / 8], __ATOMIC_RELAXED);
  if ((descriptor & kPresentDpl3Segment) != kPresentDpl3Segment || (descriptor & kCode) != 0) {
    return 0;
  }
  return (descriptor >> 16 & 0xff'ffff) | (descriptor >> 56) << 24;
}

int64_t Vcpu::set_segment_base(uint64_t which, uint64_t base) {
  if (which == SEGBASE_GS_USER_SEL) {
    // The selector itself is not kept, only what follows from it.
    return set_segment_base(SEGBASE_GS_USER, segment_base(static_cast<uint16_t>(base)));
  }
  if (!canonical(base)) return kInvalid;
  // The kernel is running, so its own GS base is the live one, unless an exchange is still owed.
  const bool exchanged = cpu_.gs_exchange_owed;
  uint32_t msr = 0;
  switch (which) {
    case SEGBASE_FS:
      msr = kMsrFsBase;
      break;
    case SEGBASE_GS_USER:
      msr = exchanged ? kMsrGsBase : kMsrKernelGsBase;
      break;
    case SEGBASE_GS_KERNEL:
      msr = exchanged ? kMsrKernelGsBase : kMsrGsBase;
      break;
    default:
      return kInvalid;
  }
  if (auto status = processor_.set_msr(msr, base); !status.ok()) {
    domain_.stop(RunResult::End::kFailed, std::nullopt, std::string(status.message()));
  }
  return kOk;
}

std::optional<unsigned> Vcpu::descriptor_frame_count(uint64_t entries) {
  constexpr uint64_t kEntriesPerFrame = pvmmu::kPageSize / 8;
  if (entries > FIRST_RESERVED_GDT_ENTRY) return std::nullopt;
  return static_cast<unsigned>((entries + kEntriesPerFrame - 1) / kEntriesPerFrame);
}

int64_t Vcpu::set_gdt(LinearAddr frame_list, uint64_t entries) {
  const std::optional<unsigned> count = descriptor_frame_count(entries);
  if (!count) return kInvalid;
  uint64_t frames[FIRST_RESERVED_GDT_PAGE] = {};
  if (!copy_from_guest(frames, frame_list, *count * sizeof(frames[0]))) return kFault;
  return load_descriptor_frames({frames, *count});
}

// At most 14 frames of descriptors, each checked and then kept from becoming anything else. They
// lie below the monitor's own descriptors.
int64_t Vcpu::load_descriptor_frames(std::span<const uint64_t> frames) {
  pvmmu::Refusal refusal;
  pvmmu::Call call{VcpuId{id_}, counters_.mmu, refusal, true};
  for (size_t i = 0; i < frames.size(); ++i) {
    const int64_t error = domain_.mmu().get_descriptor_table(call, pvmmu::Mfn(frames[i]));
    if (error == 0) continue;
    const AskedFor asked{.frame = pvmmu::Mfn(frames[i])};
    domain_.note_refusal(id_, refusal, [&asked] { return asked; });
    while (i-- > 0) domain_.mmu().put_descriptor_table(pvmmu::Mfn(frames[i]));
    return error;
  }
  replace_descriptor_frames(frames);
  return kOk;
}

// The frames are held already; those that they replace go back.
void Vcpu::replace_descriptor_frames(std::span<const uint64_t> frames) {
  for (unsigned i = 0; i < FIRST_RESERVED_GDT_PAGE; ++i) {
    const pvmmu::Mfn before = cpu_.descriptor_frames[i];
    const pvmmu::Mfn after = i < frames.size() ? pvmmu::Mfn(frames[i]) : pvmmu::kInvalidMfn;
    domain_.map_descriptor_frame(id_, i, after);
    if (before != pvmmu::kInvalidMfn) domain_.mmu().put_descriptor_table(before);
    cpu_.descriptor_frames[i] = after;
  }
  processor_.owe_flush();
}

// Kept and given back; breakpoints are not armed.
int64_t Vcpu::set_debug_register(uint64_t number, uint64_t value) {
  if (number > 7 || number == 4 || number == 5) return kInvalid;
  cpu_.debug_registers[number] = value;
  return kOk;
}

int64_t Vcpu::get_debug_register(uint64_t number) {
  return number > 7 ? kInvalid : static_cast<int64_t>(cpu_.debug_registers[number]);
}

}  // namespace vmm
