// Privileged instructions, forced-emulation cpuid, syscall and software interrupts.
#include <gtest/gtest.h>

#include <vector>

#include "emulate/decode.h"

namespace vmm {
namespace {

using Code = std::vector<uint8_t>;

std::optional<PrivilegedInstruction> decode(const Code& code) {
  GuestRegisters registers{};
  registers.rdx = 0xffff'ffff'0001'0cf8;
  registers.rbx = 0xdead'0000;
  return decode_privileged(code, registers);
}

void expect(const Code& code, PrivilegedKind kind, unsigned number = 0,
            RegisterOperand operand = {}) {
  const auto decoded = decode(code);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->kind, kind);
  EXPECT_EQ(decoded->length, code.size());
  EXPECT_EQ(decoded->number, number);
  EXPECT_EQ(decoded->operand.number, operand.number);
  EXPECT_EQ(decoded->operand.width, operand.width);
}

TEST(DecodePrivileged, ControlAndDebugRegisters) {
  expect({0x0f, 0x20, 0xd8}, PrivilegedKind::kReadControl, 3, {0, 8});         // mov %cr3, %rax
  expect({0x41, 0x0f, 0x20, 0xd1}, PrivilegedKind::kReadControl, 2, {9, 8});   // mov %cr2, %r9
  expect({0x0f, 0x22, 0xe3}, PrivilegedKind::kWriteControl, 4, {3, 8});        // mov %rbx, %cr4
  expect({0x44, 0x0f, 0x22, 0xc0}, PrivilegedKind::kWriteControl, 8, {0, 8});  // mov %rax, %cr8
  expect({0x0f, 0x21, 0xf8}, PrivilegedKind::kReadDebug, 7, {0, 8});           // mov %db7, %rax
  expect({0x0f, 0x23, 0xf9}, PrivilegedKind::kWriteDebug, 7, {1, 8});          // mov %rcx, %db7
}

TEST(DecodePrivileged, Ports) {
  expect({0xec}, PrivilegedKind::kIn, 0xcf8, {0, 1});        // in %dx, %al
  expect({0x66, 0xed}, PrivilegedKind::kIn, 0xcf8, {0, 2});  // in %dx, %ax
  expect({0xed}, PrivilegedKind::kIn, 0xcf8, {0, 4});        // in %dx, %eax
  expect({0xe4, 0x80}, PrivilegedKind::kIn, 0x80, {0, 1});   // in $0x80, %al
  expect({0xe5, 0xff}, PrivilegedKind::kIn, 0xff, {0, 4});   // in $0xff, %eax
  expect({0xee}, PrivilegedKind::kOut, 0xcf8, {0, 1});       // out %al, %dx
  expect({0xe7, 0x80}, PrivilegedKind::kOut, 0x80, {0, 4});  // out %eax, $0x80
  expect({0x6e}, PrivilegedKind::kOther);                    // outsb
  expect({0xf3, 0x6d}, PrivilegedKind::kOther);              // rep insl
}

TEST(DecodePrivileged, WithoutOperands) {
  expect({0x0f, 0x32}, PrivilegedKind::kReadMsr);
  expect({0x0f, 0x30}, PrivilegedKind::kWriteMsr);
  expect({0x0f, 0x06}, PrivilegedKind::kClts);
  expect({0x0f, 0x09}, PrivilegedKind::kWbinvd);
  expect({0x0f, 0x08}, PrivilegedKind::kInvd);
  expect({0xf4}, PrivilegedKind::kHlt);
  expect({0xfa}, PrivilegedKind::kCli);
  expect({0xfb}, PrivilegedKind::kSti);
}

TEST(DecodePrivileged, KnownButNeverEmulated) {
  for (const Code& code : {Code{0x0f, 0x01, 0x10},     // lgdt (%rax)
                           Code{0x0f, 0x01, 0x18},     // lidt (%rax)
                           Code{0x0f, 0x00, 0xd0},     // lldt %ax
                           Code{0x0f, 0x00, 0xd8},     // ltr %ax
                           Code{0x0f, 0x01, 0xf8},     // swapgs
                           Code{0x48, 0x0f, 0x07},     // sysretq
                           Code{0x0f, 0x01, 0xd1}}) {  // xsetbv
    expect(code, PrivilegedKind::kOther);
  }
}

TEST(DecodePrivileged, InvlpgHasAnAddress) {
  const auto decoded = decode({0x0f, 0x01, 0x7b, 0x10});  // invlpg 0x10(%rbx)
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->kind, PrivilegedKind::kInvlpg);
  EXPECT_EQ(decoded->address.raw(), 0xdead0010u);
}

TEST(DecodePrivileged, PlainInstructionsAreNot) {
  EXPECT_FALSE(decode({0x48, 0x89, 0xc3}));  // mov %rax, %rbx
  EXPECT_FALSE(decode({0x8e, 0xd8}));        // mov %eax, %ds
  EXPECT_FALSE(decode({0x0f, 0xa2}));        // cpuid
  EXPECT_FALSE(decode({0x0f, 0x31}));        // rdtsc
  EXPECT_FALSE(decode({0x90}));
  EXPECT_FALSE(decode({0x0f}));
  EXPECT_FALSE(decode({}));
}

TEST(ForcedCpuid, OnlyTheWholePattern) {
  const Code whole = {0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2};
  EXPECT_TRUE(is_forced_cpuid(whole));
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(is_forced_cpuid(CodeBytes(whole).first(size)));
  }
  EXPECT_FALSE(is_forced_cpuid(Code{0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0x31}));
  EXPECT_FALSE(is_forced_cpuid(Code{0x0f, 0x0b, 'x', 'e', 'm', 0x0f, 0xa2}));
}

TEST(Syscall, OnlyWithoutPrefixes) {
  EXPECT_TRUE(is_syscall(Code{0x0f, 0x05, 0x90}));
  EXPECT_FALSE(is_syscall(Code{0x0f}));
  EXPECT_FALSE(is_syscall(Code{0x0f, 0x34}));
  EXPECT_FALSE(is_syscall(Code{0x48, 0x0f, 0x05}));
}

TEST(SoftwareInterrupt, VectorAndLength) {
  const auto gate = decode_software_interrupt(Code{0xcd, 0x82, 0xc3});
  ASSERT_TRUE(gate);
  EXPECT_EQ(gate->vector, 0x82);
  EXPECT_EQ(gate->length, 2);
  const auto prefixed = decode_software_interrupt(Code{0x48, 0xcd, 0xff});
  ASSERT_TRUE(prefixed);
  EXPECT_EQ(prefixed->vector, 0xff);
  EXPECT_EQ(prefixed->length, 3);
  EXPECT_FALSE(decode_software_interrupt(Code{0xcc}));  // int3
  EXPECT_FALSE(decode_software_interrupt(Code{0xf1}));  // icebp
  EXPECT_FALSE(decode_software_interrupt(Code{0xcd}));
}

TEST(Registers, WidthsAsTheProcessorWritesThem) {
  GuestRegisters registers{};
  registers.rax = 0x1122334455667788;
  write_register(registers, {0, 4}, 0xffffffffaabbccdd);
  EXPECT_EQ(registers.rax, 0xaabbccddu);
  registers.rax = 0x1122334455667788;
  write_register(registers, {0, 2}, 0xffff);
  EXPECT_EQ(registers.rax, 0x112233445566ffffu);
  write_register(registers, {0, 1, true}, 0x42);
  EXPECT_EQ(registers.rax, 0x11223344556642ffu);
  EXPECT_EQ(read_register(registers, {0, 1, true}), 0x42u);
  EXPECT_EQ(read_register(registers, {0, 1}), 0xffu);
}

}  // namespace
}  // namespace vmm
