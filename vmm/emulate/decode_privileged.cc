// Instructions that fault at CPL3 because of what they may do, and the byte patterns by which a
// guest asks for the hypervisor.
#include <algorithm>

#include "emulate/instruction.h"

namespace vmm {
namespace {

constexpr uint8_t kForcedCpuid[kForcedCpuidLength] = {0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2};
constexpr uint8_t kSyscall[] = {0x0f, 0x05};
constexpr RegisterOperand kDx{2, 2};

// mov to or from a control or debug register.
std::optional<PrivilegedInstruction> decode_system_move(const Instruction& instruction) {
  struct Form {
    ZydisRegisterClass register_class;
    unsigned system_operand;
    PrivilegedKind kind;
  };
  constexpr Form kForms[] = {{ZYDIS_REGCLASS_CONTROL, 1, PrivilegedKind::kReadControl},
                             {ZYDIS_REGCLASS_CONTROL, 0, PrivilegedKind::kWriteControl},
                             {ZYDIS_REGCLASS_DEBUG, 1, PrivilegedKind::kReadDebug},
                             {ZYDIS_REGCLASS_DEBUG, 0, PrivilegedKind::kWriteDebug}};
  for (const Form& form : kForms) {
    const auto number = instruction.register_number(form.system_operand, form.register_class);
    const auto general = instruction.general_register(1 - form.system_operand);
    if (!number || !general) continue;
    return PrivilegedInstruction{form.kind, instruction.length(), *number, *general, {}};
  }
  return std::nullopt;
}

// in and out: one operand is al, ax or eax, the other the port, a constant or dx.
std::optional<PrivilegedInstruction> decode_port(const Instruction& instruction,
                                                 const GuestRegisters& registers) {
  const bool in = instruction.mnemonic() == ZYDIS_MNEMONIC_IN;
  const unsigned port_operand = in ? 1 : 0;
  const auto data = instruction.general_register(1 - port_operand);
  if (!data) return std::nullopt;
  const auto constant = instruction.immediate(port_operand);
  const uint64_t port = constant ? *constant & 0xff : read_register(registers, kDx);
  return PrivilegedInstruction{in ? PrivilegedKind::kIn : PrivilegedKind::kOut,
                               instruction.length(),
                               static_cast<uint16_t>(port),
                               *data,
                               {}};
}

std::optional<PrivilegedKind> kind_without_operands(const Instruction& instruction) {
  switch (instruction.mnemonic()) {
    case ZYDIS_MNEMONIC_RDMSR:
      return PrivilegedKind::kReadMsr;
    case ZYDIS_MNEMONIC_WRMSR:
      return PrivilegedKind::kWriteMsr;
    case ZYDIS_MNEMONIC_CLTS:
      return PrivilegedKind::kClts;
    case ZYDIS_MNEMONIC_LMSW:
      return PrivilegedKind::kLmsw;
    case ZYDIS_MNEMONIC_WBINVD:
      return PrivilegedKind::kWbinvd;
    case ZYDIS_MNEMONIC_INVD:
      return PrivilegedKind::kInvd;
    case ZYDIS_MNEMONIC_HLT:
      return PrivilegedKind::kHlt;
    case ZYDIS_MNEMONIC_CLI:
      return PrivilegedKind::kCli;
    case ZYDIS_MNEMONIC_STI:
      return PrivilegedKind::kSti;
    case ZYDIS_MNEMONIC_INVLPG:
      return PrivilegedKind::kInvlpg;
    case ZYDIS_MNEMONIC_INSB:
    case ZYDIS_MNEMONIC_INSW:
    case ZYDIS_MNEMONIC_INSD:
    case ZYDIS_MNEMONIC_OUTSB:
    case ZYDIS_MNEMONIC_OUTSW:
    case ZYDIS_MNEMONIC_OUTSD:
    case ZYDIS_MNEMONIC_LGDT:  // not marked as privileged by the disassembler
      return PrivilegedKind::kOther;
    default:
      break;
  }
  return instruction.privileged() ? std::optional(PrivilegedKind::kOther) : std::nullopt;
}

bool starts_with(CodeBytes code, CodeBytes pattern) {
  return code.size() >= pattern.size() && std::equal(pattern.begin(), pattern.end(), code.begin());
}

}  // namespace

std::optional<PrivilegedInstruction> decode_privileged(CodeBytes code,
                                                       const GuestRegisters& registers) {
  const std::optional<Instruction> instruction = Instruction::decode(code);
  if (!instruction) return std::nullopt;
  switch (instruction->mnemonic()) {
    case ZYDIS_MNEMONIC_MOV:
      return decode_system_move(*instruction);
    case ZYDIS_MNEMONIC_IN:
    case ZYDIS_MNEMONIC_OUT:
      return decode_port(*instruction, registers);
    default:
      break;
  }
  const auto kind = kind_without_operands(*instruction);
  if (!kind) return std::nullopt;
  PrivilegedInstruction result{*kind, instruction->length(), 0, {}, {}};
  if (const auto address = instruction->address(0, registers, {})) result.address = *address;
  return result;
}

bool is_forced_cpuid(CodeBytes code) {
  return starts_with(code, kForcedCpuid);
}

bool is_syscall(CodeBytes code) {
  return starts_with(code, kSyscall);
}

std::optional<SoftwareInterrupt> decode_software_interrupt(CodeBytes code) {
  const std::optional<Instruction> instruction = Instruction::decode(code);
  if (!instruction || instruction->mnemonic() != ZYDIS_MNEMONIC_INT) return std::nullopt;
  const auto vector = instruction->immediate(0);
  if (!vector) return std::nullopt;
  return SoftwareInterrupt{static_cast<uint8_t>(*vector), instruction->length()};
}

}  // namespace vmm
