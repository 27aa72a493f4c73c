#include "emulate/instruction.h"

#include <bit>

#include "emulate/flags.h"

namespace vmm {
namespace {

std::optional<RegisterOperand> from_disassembler(ZydisRegister name) {
  const auto offset_from = [name](ZydisRegister first) {
    return static_cast<uint8_t>(name - first);
  };
  if (name >= ZYDIS_REGISTER_RAX && name <= ZYDIS_REGISTER_R15) {
    return RegisterOperand{offset_from(ZYDIS_REGISTER_RAX), 8};
  }
  if (name >= ZYDIS_REGISTER_EAX && name <= ZYDIS_REGISTER_R15D) {
    return RegisterOperand{offset_from(ZYDIS_REGISTER_EAX), 4};
  }
  if (name >= ZYDIS_REGISTER_AX && name <= ZYDIS_REGISTER_R15W) {
    return RegisterOperand{offset_from(ZYDIS_REGISTER_AX), 2};
  }
  if (name >= ZYDIS_REGISTER_AL && name <= ZYDIS_REGISTER_BL) {
    return RegisterOperand{offset_from(ZYDIS_REGISTER_AL), 1};
  }
  if (name >= ZYDIS_REGISTER_AH && name <= ZYDIS_REGISTER_BH) {
    return RegisterOperand{offset_from(ZYDIS_REGISTER_AH), 1, true};
  }
  if (name >= ZYDIS_REGISTER_SPL && name <= ZYDIS_REGISTER_R15B) {  // spl has the number 4
    return RegisterOperand{static_cast<uint8_t>(offset_from(ZYDIS_REGISTER_SPL) + 4), 1};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Instruction> Instruction::decode(CodeBytes code) {
  ZydisDecoder decoder;
  if (!ZYAN_SUCCESS(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64))) {
    return std::nullopt;
  }
  Instruction result;
  if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code.data(), code.size(), &result.instruction_,
                                           result.operands_))) {
    return std::nullopt;
  }
  return result;
}

bool Instruction::is_memory(unsigned operand) const {
  return operand < operand_count() && operands_[operand].type == ZYDIS_OPERAND_TYPE_MEMORY &&
         operands_[operand].mem.type == ZYDIS_MEMOP_TYPE_MEM;
}

uint8_t Instruction::width(unsigned operand) const {
  if (operand >= operand_count()) return 0;
  const unsigned bits = operands_[operand].size;
  return bits <= 64 && bits % 8 == 0 && std::has_single_bit(bits / 8)
             ? static_cast<uint8_t>(bits / 8)
             : uint8_t{0};
}

std::optional<RegisterOperand> Instruction::general_register(unsigned operand) const {
  if (operand >= operand_count() || operands_[operand].type != ZYDIS_OPERAND_TYPE_REGISTER) {
    return std::nullopt;
  }
  return from_disassembler(operands_[operand].reg.value);
}

std::optional<uint64_t> Instruction::immediate(unsigned operand) const {
  if (operand >= operand_count() || operands_[operand].type != ZYDIS_OPERAND_TYPE_IMMEDIATE) {
    return std::nullopt;
  }
  return operands_[operand].imm.value.u;
}

std::optional<uint64_t> Instruction::value(unsigned operand, uint8_t width,
                                           const GuestRegisters& registers) const {
  if (const auto constant = immediate(operand)) return cut_to_width(*constant, width);
  if (const auto source = general_register(operand)) {
    return cut_to_width(read_register(registers, *source), width);
  }
  return std::nullopt;
}

std::optional<uint16_t> Instruction::register_number(unsigned operand,
                                                     ZydisRegisterClass wanted) const {
  if (operand >= operand_count() || operands_[operand].type != ZYDIS_OPERAND_TYPE_REGISTER) {
    return std::nullopt;
  }
  const ZydisRegister name = operands_[operand].reg.value;
  if (ZydisRegisterGetClass(name) != wanted) return std::nullopt;
  return static_cast<uint16_t>(ZydisRegisterGetId(name));
}

std::optional<pvmmu::LinearAddr> Instruction::address(unsigned operand,
                                                      const GuestRegisters& registers,
                                                      const SegmentBases& bases) const {
  if (!is_memory(operand)) return std::nullopt;
  const auto& memory = operands_[operand].mem;
  uint64_t offset = memory.disp.has_displacement ? static_cast<uint64_t>(memory.disp.value) : 0;
  if (memory.base == ZYDIS_REGISTER_RIP || memory.base == ZYDIS_REGISTER_EIP) {
    offset += registers.rip + length();
  } else if (memory.base != ZYDIS_REGISTER_NONE) {
    const auto base = from_disassembler(memory.base);
    if (!base) return std::nullopt;
    offset += read_register(registers, *base);
  }
  if (memory.index != ZYDIS_REGISTER_NONE) {
    const auto index = from_disassembler(memory.index);
    if (!index) return std::nullopt;
    offset += read_register(registers, *index) * memory.scale;
  }
  offset = cut_to_width(offset, instruction_.address_width / 8);
  if (memory.segment == ZYDIS_REGISTER_FS) offset += bases.fs;
  if (memory.segment == ZYDIS_REGISTER_GS) offset += bases.gs;
  return pvmmu::LinearAddr(offset);
}

}  // namespace vmm
