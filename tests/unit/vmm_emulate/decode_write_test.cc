// Stores and read-modify-writes, against the real processor and against the manual.
#include <gtest/gtest.h>

#include <vector>

#include "emulate/flags.h"
#include "real_execution.h"

namespace vmm {
namespace {

constexpr unsigned kRounds = 200;

uint64_t defined_flags(WriteKind kind) {
  switch (kind) {
    case WriteKind::kAnd:
    case WriteKind::kOr:
      return kStatusFlags & ~kAdjustFlag;
    case WriteKind::kBitSet:
    case WriteKind::kBitReset:
      return kCarryFlag | kZeroFlag;
    default:
      return kStatusFlags;
  }
}

std::optional<WriteInstruction> decode(const std::vector<uint8_t>& code,
                                       const GuestRegisters& registers,
                                       const SegmentBases& bases = {}) {
  return decode_write(code, registers, bases);
}

// Predicts memory and registers, runs the instruction, and compares all of both.
void check_against_processor(const Snippet& snippet, RealExecution& real) {
  real.shuffle(snippet);
  const auto write =
      decode_write(snippet.code(), real.registers(), SegmentBases{.fs = 0, .gs = kTestGsBase});
  ASSERT_TRUE(write) << snippet.text;
  ASSERT_TRUE(real.contains(write->address.raw(), write->width)) << snippet.text;
  EXPECT_EQ(write->length, snippet.code().size());

  GuestRegisters predicted = real.registers();
  auto memory = real.memory();
  const uint64_t old = read_host(write->address.raw(), write->width);
  const uint64_t now = new_value(*write, old);
  const size_t offset = write->address.raw() - reinterpret_cast<uint64_t>(real.memory().data());
  std::memcpy(reinterpret_cast<char*>(memory.data()) + offset, &now, write->width);
  complete_write(*write, old, predicted);

  const uint64_t start = real.registers().rip;
  real.run();
  EXPECT_EQ(memory, real.memory()) << snippet.text;
  EXPECT_EQ(compare_registers(predicted, real.registers(), defined_flags(write->kind)), "")
      << snippet.text;
  EXPECT_EQ(predicted.rip, start + snippet.code().size());
}

TEST(DecodeWrite, AgreesWithTheProcessor) {
  RealExecution real(1);
  unsigned count = 0;
  for (const Snippet* snippet = store_snippets; snippet->start != nullptr; ++snippet, ++count) {
    for (unsigned round = 0; round < kRounds; ++round) check_against_processor(*snippet, real);
  }
  EXPECT_GT(count, 50u);
}

TEST(DecodeWrite, CutOffAtEveryLength) {
  RealExecution real(2);
  for (const Snippet* snippet = store_snippets; snippet->start != nullptr; ++snippet) {
    real.shuffle(*snippet);
    for (size_t size = 0; size < snippet->code().size(); ++size) {
      EXPECT_FALSE(decode_write(snippet->code().first(size), real.registers(), {}))
          << snippet->text << " cut to " << size;
    }
  }
}

TEST(DecodeWrite, AddressForms) {
  GuestRegisters registers{};
  registers.rip = 0xffffffff80001000;
  registers.rsp = 0xffffffff80008000;
  registers.rax = 0x1111'0000'2000;
  registers.rbx = 0x3;
  const SegmentBases bases{.fs = 0x5000'0000'0000, .gs = 0x6000'0000'0000};
  // mov %rcx, 0x10(%rip): from the end of the instruction
  EXPECT_EQ(decode({0x48, 0x89, 0x0d, 0x10, 0, 0, 0}, registers)->address.raw(),
            0xffffffff80001017u);
  // movl $1, 0x10(%rip): the constant lies behind the displacement
  EXPECT_EQ(decode({0xc7, 0x05, 0x10, 0, 0, 0, 1, 0, 0, 0}, registers)->address.raw(),
            0xffffffff8000101au);
  // mov %rcx, 8(%rsp)
  EXPECT_EQ(decode({0x48, 0x89, 0x4c, 0x24, 0x08}, registers)->address.raw(), 0xffffffff80008008u);
  // mov %rcx, %fs:(%rax) and %gs:-8(%rax,%rbx,8)
  EXPECT_EQ(decode({0x64, 0x48, 0x89, 0x08}, registers, bases)->address.raw(), 0x6111'0000'2000u);
  EXPECT_EQ(decode({0x65, 0x48, 0x89, 0x4c, 0xd8, 0xf8}, registers, bases)->address.raw(),
            0x7111'0000'2010u);
  // mov %rcx, (%eax): the offset is cut to 32 bits
  EXPECT_EQ(decode({0x67, 0x48, 0x89, 0x08}, registers)->address.raw(), 0x2000u);
  // mov %rax, 0x1122334455667788 (moffs)
  EXPECT_EQ(decode({0x48, 0xa3, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11}, registers)
                ->address.raw(),
            0x1122334455667788u);
  // mov %rcx, -8: an absolute displacement is sign-extended
  EXPECT_EQ(decode({0x48, 0x89, 0x0c, 0x25, 0xf8, 0xff, 0xff, 0xff}, registers)->address.raw(),
            0xfffffffffffffff8u);
}

TEST(DecodeWrite, OtherInstructionsAreNotOurs) {
  const GuestRegisters registers{};
  EXPECT_FALSE(decode({0x48, 0x8b, 0x07}, registers));              // mov (%rdi), %rax
  EXPECT_FALSE(decode({0x48, 0x89, 0xc3}, registers));              // mov %rax, %rbx
  EXPECT_FALSE(decode({0x48, 0x01, 0x07}, registers));              // add %rax, (%rdi)
  EXPECT_FALSE(decode({0x0f, 0x29, 0x07}, registers));              // movaps %xmm0, (%rdi)
  EXPECT_FALSE(decode({0x48, 0xab}, registers));                    // stosq
  EXPECT_FALSE(decode({0x48, 0x0f, 0xc7, 0x0f}, registers));        // cmpxchg16b (%rdi)
  EXPECT_FALSE(decode({0x8c, 0x1f}, registers));                    // mov %ds, (%rdi)
  EXPECT_FALSE(decode({0xf0, 0x48, 0x89, 0x07}, registers));        // lock mov: #UD
  EXPECT_FALSE(decode({0x48, 0x0f, 0xba, 0x27, 0x05}, registers));  // bt $5, (%rdi)
  EXPECT_FALSE(decode({0x0f, 0x0b}, registers));                    // ud2
  EXPECT_FALSE(decode({}, registers));
}

TEST(DecodeWrite, CompareExchangeTakesTheOldValueOnlyWhenItFails) {
  GuestRegisters registers{};
  registers.rax = 5;
  registers.rbx = 7;
  const auto write = decode({0xf0, 0x48, 0x0f, 0xb1, 0x1f}, registers);  // cmpxchg %rbx, (%rdi)
  ASSERT_TRUE(write);
  EXPECT_EQ(write->kind, WriteKind::kCompareExchange);
  EXPECT_EQ(write->expected, 5u);
  EXPECT_EQ(write->operand, 7u);
  GuestRegisters after = registers;
  complete_write(*write, 5, after);
  EXPECT_EQ(after.rax, 5u);
  EXPECT_TRUE(after.rflags & kZeroFlag);
  after = registers;
  complete_write(*write, 9, after);
  EXPECT_EQ(after.rax, 9u);
  EXPECT_FALSE(after.rflags & kZeroFlag);
}

TEST(DecodeWrite, CompletionClearsTheResumeFlag) {
  GuestRegisters registers{};
  registers.rflags = kResumeFlag | 0x202;
  const auto write = decode({0x48, 0x89, 0x07}, registers);
  ASSERT_TRUE(write);
  complete_write(*write, 0, registers);
  EXPECT_EQ(registers.rflags, 0x202u);
}

}  // namespace
}  // namespace vmm
