// The status flags of arithmetic, for operands of 1, 2, 4 or 8 bytes. [SDM 1 3.4.3.1]
#pragma once

#include <cstdint>

namespace vmm {

inline constexpr uint64_t kCarryFlag = 1u << 0;
inline constexpr uint64_t kParityFlag = 1u << 2;
inline constexpr uint64_t kAdjustFlag = 1u << 4;
inline constexpr uint64_t kZeroFlag = 1u << 6;
inline constexpr uint64_t kSignFlag = 1u << 7;
inline constexpr uint64_t kResumeFlag = 1u << 16;
inline constexpr uint64_t kOverflowFlag = 1u << 11;
inline constexpr uint64_t kStatusFlags =
    kCarryFlag | kParityFlag | kAdjustFlag | kZeroFlag | kSignFlag | kOverflowFlag;

constexpr uint64_t cut_to_width(uint64_t value, unsigned width) {
  return width >= 8 ? value : value & ((uint64_t{1} << (width * 8)) - 1);
}

// All six status flags; other bits are zero.
uint64_t flags_of_logic(uint64_t result, unsigned width);  // and, or, test
uint64_t flags_of_add(uint64_t left, uint64_t right, unsigned width);
uint64_t flags_of_subtract(uint64_t left, uint64_t right, unsigned width);  // sub, cmp

}  // namespace vmm
