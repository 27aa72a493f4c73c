// Entering the guest kernel's handlers, and iret. [xen/public/arch-x86/xen-x86_64.h: iret_context]
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "machine/domain.h"
#include "machine/guest_flags.h"
#include "machine/vcpu.h"

namespace vmm {
namespace {

using pvmmu::LinearAddr;

constexpr uint16_t kFlatCode64 = FLAT_RING3_CS64;
constexpr uint16_t kFlatStack = FLAT_RING3_SS64;

}  // namespace

// Kernel and user have an L4 and a GS base each. CR3 follows root() at the next entry.
void Vcpu::set_kernel_mode(bool kernel) {
  if (cpu_.kernel_mode == kernel) return;
  cpu_.kernel_mode = kernel;
  cpu_.gs_exchange_owed = !cpu_.gs_exchange_owed;
}

// Pushes the frame that Xen's handlers expect, top first: rcx, r11, [error code], rip, cs, rflags,
// rsp, ss. The low bits of cs tell the guest which of its modes was interrupted, the interrupt flag
// whether events were open.
void Vcpu::bounce(uint64_t handler, bool mask_events, std::optional<uint64_t> error_code,
                  const std::string& what) {
  if (handler == 0) {
    crash(absl::StrCat("no handler for ", what));
    return;
  }
  GuestRegisters& regs = cpu_.registers;
  const bool from_kernel = cpu_.kernel_mode;
  VcpuPlaces& places = domain_.hypercalls().places();
  const bool was_masked = places.upcall_masked(VcpuId{id_});
  const GuestRegisters interrupted = regs;
  set_kernel_mode(true);
  uint64_t rsp = (from_kernel ? regs.rsp : cpu_.kernel_stack) & ~uint64_t{15};
  uint64_t frame[8];
  unsigned words = 0;
  frame[words++] = interrupted.rcx;
  frame[words++] = interrupted.r11;
  if (error_code) frame[words++] = *error_code;
  frame[words++] = interrupted.rip;
  frame[words++] = (from_kernel ? interrupted.cs & ~3u : interrupted.cs | 3u) |
                   (was_masked ? uint64_t{1} << 32 : 0);
  frame[words++] =
      (interrupted.rflags & ~(kFlagInterrupt | kFlagIopl)) | (was_masked ? 0 : kFlagInterrupt);
  frame[words++] = interrupted.rsp;
  frame[words++] = interrupted.ss;
  rsp -= words * sizeof(uint64_t);
  if (!LinearAddr(rsp).canonical() ||
      !copy_to_guest(LinearAddr(rsp), frame, words * sizeof(uint64_t))) {
    crash(absl::StrFormat("bad guest stack 0x%x while delivering %s", rsp, what));
    return;
  }
  if (mask_events) places.exchange_upcall_mask(VcpuId{id_}, true);
  regs.rsp = rsp;
  regs.rip = handler;
  regs.cs = kFlatCode64;
  regs.ss = kFlatStack;
  regs.rflags &= ~(kFlagVm86 | kFlagResume | kFlagNestedTask | kFlagTrap);
}

void Vcpu::bounce_exception(unsigned vector, std::optional<uint64_t> error_code) {
  count_trap(trap_cause_of_vector(vector));
  const TrapHandler& handler = cpu_.trap_table[vector & 0xff];
  bounce(handler.address, handler.masks_events, error_code,
         absl::StrFormat("exception %u (%s)%s at 0x%x", vector,
                         trap_cause_name(trap_cause_of_vector(vector)),
                         error_code ? absl::StrFormat(", error code 0x%x", *error_code) : "",
                         cpu_.registers.rip));
}

void Vcpu::bounce_page_fault(uint64_t address, uint64_t error_code) {
  // CPL3 is not user mode: only the guest's user is "user" in the code that its kernel reads.
  const uint64_t user = cpu_.kernel_mode ? 0 : pvmmu::kFaultUser;
  const uint64_t code = (error_code & ~uint64_t{pvmmu::kFaultUser}) | user;
  if (cpu_.trap_table[14].address == 0) {
    crash_on_fault("page fault without a handler", address, code);
    return;
  }
  domain_.hypercalls().places().set_cr2(VcpuId{id_}, address);
  bounce_exception(14, code);
}

void Vcpu::deliver_events() {
  if (!domain_.hypercalls().places().upcall_due(VcpuId{id_})) return;
  ++counters_.upcalls;
  if (Trace* trace = domain_.trace()) trace->upcall(id_);
  bounce(cpu_.event_callback.address, true, std::nullopt, "an event");
}

// The frame at rsp, top first: rax, r11, rcx, flags, rip, cs, rflags, rsp, ss.
int64_t Vcpu::iret() {
  struct iret_context frame;
  if (!copy_from_guest(&frame, LinearAddr(cpu_.registers.rsp), sizeof(frame))) {
    crash("iret: the frame cannot be read");
    return 0;
  }
  const auto cs = static_cast<uint16_t>(frame.cs | 3);
  const auto ss = static_cast<uint16_t>(frame.ss | 3);
  const bool to_user = (frame.cs & 3) == 3;
  if (to_user && domain_.mmu().user_base_pointer(VcpuId{id_}) == pvmmu::kInvalidMfn) {
    crash("iret to user mode without a user base pointer");
    return 0;
  }
  set_kernel_mode(!to_user);
  GuestRegisters& regs = cpu_.registers;
  regs.rip = frame.rip;
  regs.rsp = frame.rsp;
  regs.cs = cs;
  regs.ss = ss;
  regs.rflags = guest_flags(frame.rflags);
  if ((frame.flags & VGCF_in_syscall) == 0) {
    regs.r11 = frame.r11;
    regs.rcx = frame.rcx;
  }
  regs.rax = frame.rax;
  domain_.hypercalls().places().exchange_upcall_mask(VcpuId{id_},
                                                     (frame.rflags & kFlagInterrupt) == 0);
  context_replaced_ = true;
  return 0;
}

}  // namespace vmm
