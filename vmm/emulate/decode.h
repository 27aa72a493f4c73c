// Instructions of the guest that the VMM carries out in its place, decoded to what the hardware
// would do: stores into page tables, loads from the machine-to-physical table, privileged
// instructions, forced-emulation cpuid, software interrupts.
//
// Pure functions over the code bytes and the registers; they touch no guest memory and decide no
// policy. Every one answers nullopt for an instruction that is not of its kind, for code that was
// cut short, and for operands that it does not handle: then the fault belongs to the guest.
// Only 64-bit mode. `code` starts at registers.rip and has up to 15 bytes; fewer are fine when the
// next page cannot be read.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/linear_addr.h"
#include "machine/guest_registers.h"

namespace vmm {

using CodeBytes = std::span<const uint8_t>;

struct SegmentBases {
  uint64_t fs = 0;
  uint64_t gs = 0;
};

// A general-purpose register as an operand. `high_byte`: ah, ch, dh, bh (number 0..3, width 1).
struct RegisterOperand {
  uint8_t number = 0;
  uint8_t width = 8;  // bytes: 1, 2, 4, 8
  bool high_byte = false;
};

uint64_t read_register(const GuestRegisters& registers, RegisterOperand operand);
// Writes as the processor does: 4 bytes clear the upper half, 1 and 2 leave the rest.
void write_register(GuestRegisters& registers, RegisterOperand operand, uint64_t value);

enum class WriteKind : uint8_t {
  kStore,            // memory = operand
  kExchange,         // memory <-> destination
  kCompareExchange,  // if memory == expected: memory = operand
  kAnd,              // memory &= operand
  kOr,               // memory |= operand
  kBitSet,           // memory |= operand (one bit); the carry flag is the old bit
  kBitReset,         // memory &= ~operand (one bit); the carry flag is the old bit
  kAdd,              // xadd: memory += operand, destination = old
};

// A store or read-modify-write to memory. The bit number of bts/btr is already folded into address
// and operand. A read-modify-write without a lock prefix decodes like the locked one.
struct WriteInstruction {
  pvmmu::LinearAddr address;
  WriteKind kind = WriteKind::kStore;
  uint8_t width = 8;      // bytes: 1, 2, 4, 8
  uint8_t length = 0;     // of the instruction
  uint64_t operand = 0;   // cut to the width
  uint64_t expected = 0;  // kCompareExchange: the accumulator, cut to the width
  RegisterOperand
      destination;  // takes the old value: kExchange, kAdd, failed kCompareExchange (rax)
};

std::optional<WriteInstruction> decode_write(CodeBytes code, const GuestRegisters& registers,
                                             const SegmentBases& bases);
// What memory holds after the instruction, if it held `old` before.
uint64_t new_value(const WriteInstruction& instruction, uint64_t old);
// Finishes the instruction in the registers, memory having held `old`: destination, flags, rip.
void complete_write(const WriteInstruction& instruction, uint64_t old, GuestRegisters& registers);

enum class LoadKind : uint8_t { kZeroExtend, kSignExtend, kCompare, kTest };

// A load from memory into a register (mov, movzx, movsx, movsxd), or a comparison of memory with a
// register or constant (cmp, test).
struct LoadInstruction {
  pvmmu::LinearAddr address;
  LoadKind kind = LoadKind::kZeroExtend;
  uint8_t width = 8;              // bytes read: 1, 2, 4, 8
  uint8_t length = 0;             // of the instruction
  RegisterOperand destination;    // for the extending kinds
  uint64_t operand = 0;           // for kCompare and kTest, cut to the width
  bool memory_is_second = false;  // kCompare: flags of operand - memory
};

std::optional<LoadInstruction> decode_load(CodeBytes code, const GuestRegisters& registers,
                                           const SegmentBases& bases);
// Finishes the instruction with the value read (upper bytes ignored): destination, flags, rip.
void complete_load(const LoadInstruction& instruction, uint64_t value, GuestRegisters& registers);

enum class PrivilegedKind : uint8_t {
  kReadControl,   // number = control register, operand = destination
  kWriteControl,  // number = control register, operand = source
  kReadDebug,
  kWriteDebug,
  kReadMsr,  // rcx -> rdx:rax
  kWriteMsr,
  kIn,  // number = port, operand = al, ax or eax
  kOut,
  kClts,
  kLmsw,  // value: from operand or memory; not needed by any guest: refused by the caller
  kWbinvd,
  kInvd,
  kHlt,
  kCli,
  kSti,
  kInvlpg,  // address
  kOther,   // lgdt, lidt, lldt, ltr, swapgs, xsetbv, sysret, ...: known as privileged, never
            // emulated
};

struct PrivilegedInstruction {
  PrivilegedKind kind = PrivilegedKind::kOther;
  uint8_t length = 0;
  uint16_t number = 0;
  RegisterOperand operand;
  pvmmu::LinearAddr address;
};

std::optional<PrivilegedInstruction> decode_privileged(CodeBytes code,
                                                       const GuestRegisters& registers);

// `ud2; "xen"; cpuid`, the whole of it at the start of the code.
inline constexpr unsigned kForcedCpuidLength = 7;
bool is_forced_cpuid(CodeBytes code);

struct SoftwareInterrupt {
  uint8_t vector = 0;
  uint8_t length = 0;
};

// `int $n` (with any harmless prefix); not int3 and not icebp.
std::optional<SoftwareInterrupt> decode_software_interrupt(CodeBytes code);

// `syscall`, 2 bytes without prefixes: tells a hypercall or system call from a real #UD.
bool is_syscall(CodeBytes code);

}  // namespace vmm
