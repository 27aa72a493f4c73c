// Stores and read-modify-writes. [SDM 2: MOV, XCHG, CMPXCHG, AND, OR, BTS, BTR, XADD]
#include "emulate/flags.h"
#include "emulate/instruction.h"

namespace vmm {
namespace {

constexpr RegisterOperand accumulator(uint8_t width) {
  return {0, width};
}

std::optional<WriteKind> kind_of(ZydisMnemonic mnemonic) {
  switch (mnemonic) {
    case ZYDIS_MNEMONIC_MOV:
    case ZYDIS_MNEMONIC_MOVNTI:
      return WriteKind::kStore;
    case ZYDIS_MNEMONIC_XCHG:
      return WriteKind::kExchange;
    case ZYDIS_MNEMONIC_CMPXCHG:
      return WriteKind::kCompareExchange;
    case ZYDIS_MNEMONIC_AND:
      return WriteKind::kAnd;
    case ZYDIS_MNEMONIC_OR:
      return WriteKind::kOr;
    case ZYDIS_MNEMONIC_BTS:
      return WriteKind::kBitSet;
    case ZYDIS_MNEMONIC_BTR:
      return WriteKind::kBitReset;
    case ZYDIS_MNEMONIC_XADD:
      return WriteKind::kAdd;
    default:
      return std::nullopt;
  }
}

// A bit number in a register is signed and may lie outside the operand: it moves the address by
// whole operands. A constant one is taken modulo the operand's width.
void fold_bit_number(const Instruction& instruction, const GuestRegisters& registers,
                     WriteInstruction& write) {
  const unsigned bits = write.width * 8u;
  const uint64_t number = write.operand;
  if (instruction.general_register(1)) {
    const unsigned unused = 64 - bits;
    const auto offset =
        static_cast<int64_t>(read_register(registers, *instruction.general_register(1)) << unused);
    const int64_t distance = (offset >> unused) / static_cast<int64_t>(bits) -
                             ((offset >> unused) % static_cast<int64_t>(bits) < 0 ? 1 : 0);
    write.address = write.address + static_cast<uint64_t>(distance) * write.width;
  }
  write.operand = uint64_t{1} << (number % bits);
}

uint64_t status_after(const WriteInstruction& write, uint64_t old, uint64_t before) {
  switch (write.kind) {
    case WriteKind::kCompareExchange:
      return flags_of_subtract(write.expected, old, write.width);
    case WriteKind::kAnd:
    case WriteKind::kOr:
      return flags_of_logic(new_value(write, old), write.width);
    case WriteKind::kBitSet:
    case WriteKind::kBitReset:
      return (before & ~kCarryFlag) | ((old & write.operand) != 0 ? kCarryFlag : 0);
    case WriteKind::kAdd:
      return flags_of_add(old, write.operand, write.width);
    default:
      return before;
  }
}

}  // namespace

std::optional<WriteInstruction> decode_write(CodeBytes code, const GuestRegisters& registers,
                                             const SegmentBases& bases) {
  const std::optional<Instruction> instruction = Instruction::decode(code);
  if (!instruction) return std::nullopt;
  const std::optional<WriteKind> kind = kind_of(instruction->mnemonic());
  const auto address = instruction->address(0, registers, bases);
  WriteInstruction write;
  write.width = instruction->width(0);
  const auto operand = instruction->value(1, write.width, registers);
  if (!kind || !address || !operand || write.width == 0) return std::nullopt;
  write.kind = *kind;
  write.address = *address;
  write.length = instruction->length();
  write.operand = *operand;
  if (write.kind == WriteKind::kExchange || write.kind == WriteKind::kAdd) {
    write.destination = *instruction->general_register(1);
  }
  if (write.kind == WriteKind::kCompareExchange) {
    write.destination = accumulator(write.width);
    write.expected = read_register(registers, write.destination);
  }
  if (write.kind == WriteKind::kBitSet || write.kind == WriteKind::kBitReset) {
    fold_bit_number(*instruction, registers, write);
  }
  return write;
}

uint64_t new_value(const WriteInstruction& instruction, uint64_t old) {
  const uint64_t operand = instruction.operand;
  old = cut_to_width(old, instruction.width);
  switch (instruction.kind) {
    case WriteKind::kStore:
    case WriteKind::kExchange:
      return operand;
    case WriteKind::kCompareExchange:
      return old == instruction.expected ? operand : old;
    case WriteKind::kAnd:
      return old & operand;
    case WriteKind::kOr:
    case WriteKind::kBitSet:
      return old | operand;
    case WriteKind::kBitReset:
      return old & ~operand;
    case WriteKind::kAdd:
      return cut_to_width(old + operand, instruction.width);
  }
  return old;
}

void complete_write(const WriteInstruction& instruction, uint64_t old, GuestRegisters& registers) {
  old = cut_to_width(old, instruction.width);
  const uint64_t status = status_after(instruction, old, registers.rflags & kStatusFlags);
  const bool takes_old =
      instruction.kind == WriteKind::kExchange || instruction.kind == WriteKind::kAdd ||
      (instruction.kind == WriteKind::kCompareExchange && old != instruction.expected);
  if (takes_old) write_register(registers, instruction.destination, old);
  registers.rflags = (registers.rflags & ~(kStatusFlags | kResumeFlag)) | status;
  registers.rip += instruction.length;
}

}  // namespace vmm
