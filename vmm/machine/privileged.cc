// Privileged instructions of the guest kernel that the VMM carries out in its place. Everything not
// listed here is the guest's #GP.
#include <cpuid.h>

#include "machine/domain.h"
#include "machine/vcpu.h"

namespace vmm {
namespace {

constexpr uint64_t kCr0 = 0x8005'0033;  // as a guest kernel expects: PE MP ET NE WP AM PG
constexpr uint64_t kCr0TaskSwitched = 8;
constexpr uint64_t kCr4 = 0x660;  // PAE MCE OSFXSR OSXMMEXCPT
constexpr uint32_t kMsrEfer = 0xc000'0080, kMsrFsBase = 0xc000'0100, kMsrGsBase = 0xc000'0101,
                   kMsrKernelGsBase = 0xc000'0102, kMsrPat = 0x277, kMsrApicBase = 0x1b,
                   kMsrMiscEnable = 0x1a0;
constexpr uint64_t kEfer = 0xd01;
// Fast strings, without which guests take the processor's feature bits of them back; no branch
// trace store, no precise event sampling. [SDM 4: IA32_MISC_ENABLE]
constexpr uint64_t kMiscEnable = 1 | 1 << 11 | 1 << 12;
constexpr uint64_t kPat = 0x0007'0406'0007'0406;

bool is_subject_to_iopl(PrivilegedKind kind) {
  return kind == PrivilegedKind::kIn || kind == PrivilegedKind::kOut ||
         kind == PrivilegedKind::kCli || kind == PrivilegedKind::kSti;
}

}  // namespace

// A guest kernel's privilege level is 1 for this, unless it asked for what processors have.
// [xen/public/xen.h: VMASST_TYPE_architectural_iopl]
bool Vcpu::iopl_permits() const {
  const bool architectural =
      (domain_.hypercalls().assists() >> VMASST_TYPE_architectural_iopl & 1) != 0;
  const unsigned level = !cpu_.kernel_mode ? 3 : architectural ? 0 : 1;
  return level <= domain_.hypercalls().iopl(VcpuId{id_});
}

bool Vcpu::emulate_privileged() {
  uint8_t bytes[15];
  const CodeBytes code(bytes, fetch_code(bytes));
  const auto instruction = decode_privileged(code, cpu_.registers);
  if (!instruction) return false;
  if (is_subject_to_iopl(instruction->kind) ? !iopl_permits() : !cpu_.kernel_mode) return false;
  if (!emulate_instruction(*instruction)) return false;
  cpu_.registers.rip += instruction->length;
  return true;
}

bool Vcpu::emulate_instruction(const PrivilegedInstruction& instruction) {
  GuestRegisters& regs = cpu_.registers;
  switch (instruction.kind) {
    case PrivilegedKind::kReadControl:
      return read_control(instruction);
    case PrivilegedKind::kWriteControl:
      return write_control(instruction);
    case PrivilegedKind::kReadDebug:
      if (instruction.number > 7) return false;
      write_register(regs, instruction.operand, cpu_.debug_registers[instruction.number]);
      return true;
    case PrivilegedKind::kWriteDebug:
      return set_debug_register(instruction.number, read_register(regs, instruction.operand)) == 0;
    case PrivilegedKind::kReadMsr:
      return read_msr();
    case PrivilegedKind::kWriteMsr:
      return write_msr();
    case PrivilegedKind::kIn:
      // No device is assigned: every port reads all ones.
      write_register(regs, instruction.operand, ~uint64_t{0});
      return true;
    case PrivilegedKind::kOut:
    case PrivilegedKind::kCli:  // as Xen: without effect, since a popf could not undo it
    case PrivilegedKind::kSti:
    case PrivilegedKind::kClts:
    case PrivilegedKind::kWbinvd:
      return true;
    default:
      return false;
  }
}

bool Vcpu::read_control(const PrivilegedInstruction& instruction) {
  uint64_t value = 0;
  switch (instruction.number) {
    case 0:
      value = kCr0;
      break;
    case 2:
      value = domain_.hypercalls().places().with_info(
          VcpuId{id_}, [](vcpu_info_t& info) { return uint64_t{info.arch.cr2}; });
      break;
    case 3:
      value = domain_.mmu().kernel_base_pointer(VcpuId{id_}).raw() << pvmmu::kPageShift;
      break;
    case 4:
      value = kCr4;
      break;
    default:
      return false;
  }
  write_register(cpu_.registers, instruction.operand, value);
  return true;
}

// CR0 and CR4 may be written with what they hold (TS aside, which nothing here enforces); CR3 is
// loaded by hypercall only.
bool Vcpu::write_control(const PrivilegedInstruction& instruction) {
  const uint64_t value = read_register(cpu_.registers, instruction.operand);
  switch (instruction.number) {
    case 0:
      return ((value ^ kCr0) & ~kCr0TaskSwitched) == 0;
    case 2:
      domain_.hypercalls().places().set_cr2(VcpuId{id_}, value);
      return true;
    case 4:
      return true;  // as Xen: bits that a guest cannot have stay as they are
    default:
      return false;
  }
}

bool Vcpu::read_msr() {
  GuestRegisters& regs = cpu_.registers;
  uint64_t value = 0;
  switch (static_cast<uint32_t>(regs.rcx)) {
    case kMsrEfer:
      value = kEfer;
      break;
    case kMsrPat:
      value = kPat;
      break;
    case kMsrMiscEnable:
      value = kMiscEnable;
      break;
    case kMsrApicBase:
      value = 0xfee0'0000 | (id_ == 0 ? 0x900 : 0x800);
      break;
    case kMsrFsBase:
    case kMsrGsBase:
    case kMsrKernelGsBase: {
      const auto read = processor_.msr(static_cast<uint32_t>(regs.rcx));
      if (!read.ok()) return false;
      value = *read;
      break;
    }
    default:
      return false;
  }
  regs.rax = static_cast<uint32_t>(value);
  regs.rdx = value >> 32;
  return true;
}

bool Vcpu::write_msr() {
  const GuestRegisters& regs = cpu_.registers;
  const uint64_t value = (regs.rdx << 32) | static_cast<uint32_t>(regs.rax);
  switch (static_cast<uint32_t>(regs.rcx)) {
    case kMsrFsBase:
      return set_segment_base(SEGBASE_FS, value) == 0;
    case kMsrGsBase:
      return set_segment_base(SEGBASE_GS_KERNEL, value) == 0;
    case kMsrKernelGsBase:
      return set_segment_base(SEGBASE_GS_USER, value) == 0;
    case kMsrEfer:
    case kMsrPat:
      return true;  // kept as it is
    default:
      return false;
  }
}

// What a PV guest may know of the processor: the host's leaves without what a guest kernel at CPL3
// cannot use, and Xen's own at 0x40000000.
void Vcpu::emulate_cpuid() {
  GuestRegisters& regs = cpu_.registers;
  const auto leaf = static_cast<uint32_t>(regs.rax);
  uint32_t a = 0, b = 0, c = 0, d = 0;
  if (leaf == 0x4000'0000) {
    a = 0x4000'0002;
    b = 0x566e'6558;  // "XenV"
    c = 0x65584d4d;   // "MMXe"
    d = 0x4d4d'566e;  // "nVMM"
  } else if (leaf == 0x4000'0001) {
    a = (4u << 16) | 17;
  } else if (leaf == 0x4000'0002) {
    a = 1;  // one hypercall page
    c = 1;  // MMU_PT_UPDATE_PRESERVE_AD
  } else {
    __cpuid_count(leaf, static_cast<uint32_t>(regs.rcx), a, b, c, d);
  }
  if (leaf == 1) {
    b &= 0x00ff'ffff;  // the APIC's number is the host processor's
    // No VME, PSE, PGE, MTRR, PSE36, APIC, MCE, MCA (EDX); MONITOR, VMX, SMX, PCID, x2APIC,
    // TSC deadline, OSXSAVE and XSAVE (ECX); a hypervisor is present.
    d &= ~0x0002'72caU & ~(1u << 13) & ~(1u << 17);
    c &= ~((1u << 3) | (1u << 5) | (1u << 6) | (1u << 17) | (1u << 21) | (1u << 24) | (1u << 26) |
           (1u << 27));
    c |= 1u << 31;
  } else if (leaf == 7) {
    b &= ~((1u << 0) | (1u << 7) | (1u << 10) | (1u << 20));  // FSGSBASE SMEP INVPCID SMAP
    c &= ~((1u << 2) | (1u << 16) | (1u << 3));               // UMIP LA57 PKU
  } else if (leaf == 0xb || leaf == 0xd || leaf == 0x1f) {    // x2APIC topology, XSAVE
    a = b = c = d = 0;
  } else if (leaf == 0x8000'0001) {
    d &= ~((1u << 17) | (1u << 26) | (1u << 27));  // PSE36 1GB-pages RDTSCP
    c &= ~((1u << 2));                             // SVM
  }
  regs.rax = a;
  regs.rbx = b;
  regs.rcx = c;
  regs.rdx = d;
}

}  // namespace vmm
