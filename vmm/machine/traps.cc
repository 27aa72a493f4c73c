// What a trap from CPL3 means: hypercall, system call, an instruction to emulate, or the guest's
// own exception.
#include "absl/strings/str_format.h"
#include "guest_abi/monitor.h"
#include "machine/domain.h"
#include "machine/guest_flags.h"
#include "machine/vcpu.h"

namespace vmm {
namespace {

constexpr unsigned kInvalidOpcode = 6, kGeneralProtection = 13, kPageFault = 14;
constexpr unsigned kHypercallVector = 0x82;
constexpr uint64_t kErrorCodeIdt = 2;  // the error code names an IDT gate: `int n` was refused

bool has_error_code(unsigned vector) {
  return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21;
}

}  // namespace

void Vcpu::handle_trap(const Trap& trap) {
  switch (trap.kind) {
    case Trap::Kind::kSyscall:
      handle_syscall_instruction();
      return;
    case Trap::Kind::kException:
      handle_exception(trap);
      return;
    case Trap::Kind::kKicked:
      return;
    case Trap::Kind::kBadContext:
      crash(
          absl::StrFormat("cannot continue at cs 0x%x, rip 0x%x, ss 0x%x, rsp 0x%x: vector %u, "
                          "error code 0x%x",
                          cpu_.registers.cs, cpu_.registers.rip, cpu_.registers.ss,
                          cpu_.registers.rsp, trap.vector, trap.error_code));
      return;
    case Trap::Kind::kFailed:
      domain_.stop(RunResult::End::kFailed, std::nullopt,
                   absl::StrFormat("vCPU %u: %s", id_, trap.failure));
      return;
  }
}

void Vcpu::handle_exception(const Trap& trap) {
  switch (trap.vector) {
    case kInvalidOpcode:
      handle_invalid_opcode();
      return;
    case kGeneralProtection:
      handle_general_protection(trap.error_code);
      return;
    case kPageFault:
      handle_page_fault(trap);
      return;
    case kHypercallVector:
      handle_software_interrupt({kHypercallVector, 2}, true);
      return;
    default:
      if (trap.vector >= 32) {
        handle_software_interrupt({static_cast<uint8_t>(trap.vector), 2}, true);
        return;
      }
      bounce_exception(trap.vector, has_error_code(trap.vector)
                                        ? std::optional<uint64_t>(trap.error_code)
                                        : std::nullopt);
  }
}

// In kernel mode `syscall` is the raw hypercall gate, in user mode a system call.
void Vcpu::handle_syscall_instruction() {
  cpu_.registers.rflags &= ~(kFlagTrap | kFlagResume);
  handle_gate();
}

void Vcpu::handle_gate() {
  if (cpu_.kernel_mode) {
    hypercall_from_gate();
    return;
  }
  count_trap(TrapCause::kSyscall);
  bounce(cpu_.syscall_callback.address, cpu_.syscall_callback.masks_events, std::nullopt,
         "a system call");
}

// Up to 15 bytes of code at rip; fewer if the next page cannot be read.
size_t Vcpu::fetch_code(std::span<uint8_t, 15> code) {
  const pvmmu::LinearAddr rip(cpu_.registers.rip);
  const size_t in_page = std::min<size_t>(code.size(), pvmmu::kPageSize - rip.offset());
  if (!copy_from_guest(code.data(), rip, in_page)) return 0;
  const size_t rest = code.size() - in_page;
  if (rest == 0 || !copy_from_guest(code.data() + in_page, rip + in_page, rest)) return in_page;
  return code.size();
}

void Vcpu::handle_invalid_opcode() {
  GuestRegisters& regs = cpu_.registers;
  uint8_t bytes[15];
  const CodeBytes code(bytes, fetch_code(bytes));
  if (const auto interrupt = decode_software_interrupt(code)) {
    handle_software_interrupt(*interrupt, false);
    return;
  }
  if (is_forced_cpuid(code)) {
    count_trap(TrapCause::kEmulatedInstruction);
    emulate_cpuid();
    regs.rip += kForcedCpuidLength;
    return;
  }
  bounce_exception(kInvalidOpcode, std::nullopt);
}

void Vcpu::handle_general_protection(uint64_t error_code) {
  GuestRegisters& regs = cpu_.registers;
  if (regs.rip == guest_abi::kGatePage && !domain_.traits().syscall_raises_privilege) {
    regs.rip = regs.rcx;
    regs.rflags = regs.r11;
    handle_syscall_instruction();
    return;
  }
  uint8_t bytes[15];
  const CodeBytes code(bytes, fetch_code(bytes));
  if ((error_code & kErrorCodeIdt) != 0) {
    if (const auto interrupt = decode_software_interrupt(code)) {
      handle_software_interrupt(*interrupt, false);
      return;
    }
  }
  if (error_code == 0 && emulate_privileged()) {
    count_trap(TrapCause::kEmulatedInstruction);
    return;
  }
  bounce_exception(kGeneralProtection, error_code);
}

// `int $n`: a hypercall by the gate's vector from the kernel, else what the guest registered and
// allowed. [xen/public/arch-x86/xen.h: TI_GET_DPL]
void Vcpu::handle_software_interrupt(SoftwareInterrupt interrupt, bool rip_is_behind) {
  GuestRegisters& regs = cpu_.registers;
  const uint64_t behind = rip_is_behind ? regs.rip : regs.rip + interrupt.length;
  if (interrupt.vector == kHypercallVector && cpu_.kernel_mode) {
    regs.rip = behind;
    handle_gate();
    return;
  }
  const TrapHandler& handler = cpu_.trap_table[interrupt.vector];
  const unsigned privilege_needed = cpu_.kernel_mode ? 1 : 3;
  if (handler.address == 0 || handler.privilege < privilege_needed) {
    regs.rip = behind - interrupt.length;
    bounce_exception(kGeneralProtection, interrupt.vector * uint64_t{8} + kErrorCodeIdt);
    return;
  }
  regs.rip = behind;
  count_trap(TrapCause::kSoftwareInterrupt);
  bounce(handler.address, handler.masks_events, std::nullopt,
         absl::StrFormat("int 0x%x", interrupt.vector));
}

}  // namespace vmm
