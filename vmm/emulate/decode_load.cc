// Loads and comparisons. [SDM 2: MOV, MOVZX, MOVSX, CMP, TEST]
#include "emulate/flags.h"
#include "emulate/instruction.h"

namespace vmm {
namespace {

std::optional<LoadKind> kind_of(ZydisMnemonic mnemonic) {
  switch (mnemonic) {
    case ZYDIS_MNEMONIC_MOV:
    case ZYDIS_MNEMONIC_MOVZX:
      return LoadKind::kZeroExtend;
    case ZYDIS_MNEMONIC_MOVSX:
    case ZYDIS_MNEMONIC_MOVSXD:
      return LoadKind::kSignExtend;
    case ZYDIS_MNEMONIC_CMP:
      return LoadKind::kCompare;
    case ZYDIS_MNEMONIC_TEST:
      return LoadKind::kTest;
    default:
      return std::nullopt;
  }
}

uint64_t extend(const LoadInstruction& load, uint64_t value) {
  if (load.kind != LoadKind::kSignExtend) return value;
  const unsigned unused = 64 - load.width * 8u;
  return static_cast<uint64_t>(static_cast<int64_t>(value << unused) >> unused);
}

}  // namespace

std::optional<LoadInstruction> decode_load(CodeBytes code, const GuestRegisters& registers,
                                           const SegmentBases& bases) {
  const std::optional<Instruction> instruction = Instruction::decode(code);
  if (!instruction) return std::nullopt;
  const std::optional<LoadKind> kind = kind_of(instruction->mnemonic());
  if (!kind) return std::nullopt;
  LoadInstruction load;
  load.kind = *kind;
  load.length = instruction->length();
  const bool compares = load.kind == LoadKind::kCompare || load.kind == LoadKind::kTest;
  const unsigned memory = compares && instruction->is_memory(0) ? 0 : 1;
  const auto address = instruction->address(memory, registers, bases);
  load.width = instruction->width(memory);
  if (!address || load.width == 0) return std::nullopt;
  load.address = *address;
  load.memory_is_second = memory == 1;
  if (compares) {
    const auto operand = instruction->value(1 - memory, load.width, registers);
    if (!operand) return std::nullopt;
    load.operand = *operand;
    return load;
  }
  const auto destination = instruction->general_register(0);
  if (!destination) return std::nullopt;
  load.destination = *destination;
  return load;
}

void complete_load(const LoadInstruction& instruction, uint64_t value, GuestRegisters& registers) {
  value = cut_to_width(value, instruction.width);
  uint64_t status = registers.rflags & kStatusFlags;
  switch (instruction.kind) {
    case LoadKind::kZeroExtend:
    case LoadKind::kSignExtend:
      write_register(registers, instruction.destination, extend(instruction, value));
      break;
    case LoadKind::kCompare:
      status = instruction.memory_is_second
                   ? flags_of_subtract(instruction.operand, value, instruction.width)
                   : flags_of_subtract(value, instruction.operand, instruction.width);
      break;
    case LoadKind::kTest:
      status = flags_of_logic(value & instruction.operand, instruction.width);
      break;
  }
  registers.rflags = (registers.rflags & ~(kStatusFlags | kResumeFlag)) | status;
  registers.rip += instruction.length;
}

}  // namespace vmm
