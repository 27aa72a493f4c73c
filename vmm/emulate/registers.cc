// General-purpose registers as instructions read and write them. [SDM 1 3.4.1.1]
#include "emulate/decode.h"

namespace vmm {
namespace {

using Member = uint64_t GuestRegisters::*;

constexpr Member kRegisters[16] = {
    &GuestRegisters::rax, &GuestRegisters::rcx, &GuestRegisters::rdx, &GuestRegisters::rbx,
    &GuestRegisters::rsp, &GuestRegisters::rbp, &GuestRegisters::rsi, &GuestRegisters::rdi,
    &GuestRegisters::r8,  &GuestRegisters::r9,  &GuestRegisters::r10, &GuestRegisters::r11,
    &GuestRegisters::r12, &GuestRegisters::r13, &GuestRegisters::r14, &GuestRegisters::r15};

constexpr uint64_t width_mask(uint8_t width) {
  return width >= 8 ? ~uint64_t{0} : (uint64_t{1} << (width * 8)) - 1;
}

}  // namespace

uint64_t read_register(const GuestRegisters& registers, RegisterOperand operand) {
  const uint64_t value = registers.*kRegisters[operand.number % 16];
  return (operand.high_byte ? value >> 8 : value) & width_mask(operand.width);
}

void write_register(GuestRegisters& registers, RegisterOperand operand, uint64_t value) {
  uint64_t& place = registers.*kRegisters[operand.number % 16];
  if (operand.width >= 4) {
    place = value & width_mask(operand.width);
    return;
  }
  const unsigned shift = operand.high_byte ? 8 : 0;
  const uint64_t mask = width_mask(operand.width);
  place = (place & ~(mask << shift)) | (value & mask) << shift;
}

}  // namespace vmm
