#include "emulate/flags.h"

#include <bit>

namespace vmm {
namespace {

constexpr bool sign(uint64_t value, unsigned width) {
  return (value >> (width * 8 - 1) & 1) != 0;
}

uint64_t flags_of_result(uint64_t result, unsigned width) {
  uint64_t flags = 0;
  if (std::popcount(result & 0xff) % 2 == 0) flags |= kParityFlag;
  if (result == 0) flags |= kZeroFlag;
  if (sign(result, width)) flags |= kSignFlag;
  return flags;
}

}  // namespace

uint64_t flags_of_logic(uint64_t result, unsigned width) {
  return flags_of_result(cut_to_width(result, width), width);
}

uint64_t flags_of_add(uint64_t left, uint64_t right, unsigned width) {
  left = cut_to_width(left, width);
  right = cut_to_width(right, width);
  const uint64_t result = cut_to_width(left + right, width);
  uint64_t flags = flags_of_result(result, width);
  if (result < left) flags |= kCarryFlag;
  if (((left ^ right ^ result) & 0x10) != 0) flags |= kAdjustFlag;
  if (sign(left, width) == sign(right, width) && sign(result, width) != sign(left, width)) {
    flags |= kOverflowFlag;
  }
  return flags;
}

uint64_t flags_of_subtract(uint64_t left, uint64_t right, unsigned width) {
  left = cut_to_width(left, width);
  right = cut_to_width(right, width);
  const uint64_t result = cut_to_width(left - right, width);
  uint64_t flags = flags_of_result(result, width);
  if (left < right) flags |= kCarryFlag;
  if (((left ^ right ^ result) & 0x10) != 0) flags |= kAdjustFlag;
  if (sign(left, width) != sign(right, width) && sign(result, width) != sign(left, width)) {
    flags |= kOverflowFlag;
  }
  return flags;
}

}  // namespace vmm
