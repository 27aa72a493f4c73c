// One decoded instruction in the terms of this library: the seam to the disassembler.
#pragma once

#include <Zydis/Zydis.h>

#include <optional>

#include "emulate/decode.h"

namespace vmm {

class Instruction {
 public:
  // nullopt: no valid instruction, or cut off.
  static std::optional<Instruction> decode(CodeBytes code);

  ZydisMnemonic mnemonic() const { return instruction_.mnemonic; }
  uint8_t length() const { return instruction_.length; }
  bool privileged() const { return (instruction_.attributes & ZYDIS_ATTRIB_IS_PRIVILEGED) != 0; }
  // Operands as written; hidden ones are not counted.
  unsigned operand_count() const { return instruction_.operand_count_visible; }

  bool is_memory(unsigned operand) const;
  // Bytes, if it is one of 1, 2, 4, 8; else 0.
  uint8_t width(unsigned operand) const;
  std::optional<RegisterOperand> general_register(unsigned operand) const;
  std::optional<uint64_t> immediate(unsigned operand) const;  // sign-extended where the CPU does so
  // The value of a general-purpose register or constant, cut to that many bytes.
  std::optional<uint64_t> value(unsigned operand, uint8_t width,
                                const GuestRegisters& registers) const;
  // Class and number of any register operand, as control register 3.
  std::optional<uint16_t> register_number(unsigned operand, ZydisRegisterClass wanted) const;
  // The address of a memory operand, without segment base for bases = {}.
  std::optional<pvmmu::LinearAddr> address(unsigned operand, const GuestRegisters& registers,
                                           const SegmentBases& bases) const;

 private:
  Instruction() = default;

  ZydisDecodedInstruction instruction_;
  ZydisDecodedOperand operands_[ZYDIS_MAX_OPERAND_COUNT];
};

}  // namespace vmm
