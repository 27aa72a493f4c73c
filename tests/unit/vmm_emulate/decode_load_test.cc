// Loads and comparisons, against the real processor.
#include <gtest/gtest.h>

#include "emulate/flags.h"
#include "real_execution.h"

namespace vmm {
namespace {

constexpr unsigned kRounds = 200;

void check_against_processor(const Snippet& snippet, RealExecution& real) {
  real.shuffle(snippet);
  const auto load =
      decode_load(snippet.code(), real.registers(), SegmentBases{.fs = 0, .gs = kTestGsBase});
  ASSERT_TRUE(load) << snippet.text;
  ASSERT_TRUE(real.contains(load->address.raw(), load->width)) << snippet.text;
  EXPECT_EQ(load->length, snippet.code().size());

  GuestRegisters predicted = real.registers();
  complete_load(*load, read_host(load->address.raw(), load->width), predicted);
  const uint64_t start = real.registers().rip;
  real.run();
  const uint64_t defined =
      load->kind == LoadKind::kTest ? kStatusFlags & ~kAdjustFlag : kStatusFlags;
  EXPECT_EQ(compare_registers(predicted, real.registers(), defined), "") << snippet.text;
  EXPECT_EQ(predicted.rip, start + snippet.code().size());
}

TEST(DecodeLoad, AgreesWithTheProcessor) {
  RealExecution real(3);
  unsigned count = 0;
  for (const Snippet* snippet = load_snippets; snippet->start != nullptr; ++snippet, ++count) {
    for (unsigned round = 0; round < kRounds; ++round) check_against_processor(*snippet, real);
  }
  EXPECT_GT(count, 20u);
}

TEST(DecodeLoad, UpperBytesOfTheValueDoNotMatter) {
  GuestRegisters registers{};
  const uint8_t code[] = {0x0f, 0xbe, 0x07};  // movsbl (%rdi), %eax
  const auto load = decode_load(code, registers, {});
  ASSERT_TRUE(load);
  complete_load(*load, 0xffffffffffffff7f, registers);
  EXPECT_EQ(registers.rax, 0x7fu);
}

TEST(DecodeLoad, OtherInstructionsAreNotOurs) {
  const GuestRegisters registers{};
  const uint8_t store[] = {0x48, 0x89, 0x07};           // mov %rax, (%rdi)
  const uint8_t add[] = {0x48, 0x03, 0x07};             // add (%rdi), %rax
  const uint8_t to_segment[] = {0x8e, 0x1f};            // mov (%rdi), %ds
  const uint8_t registers_only[] = {0x48, 0x39, 0xc3};  // cmp %rax, %rbx
  EXPECT_FALSE(decode_load(store, registers, {}));
  EXPECT_FALSE(decode_load(add, registers, {}));
  EXPECT_FALSE(decode_load(to_segment, registers, {}));
  EXPECT_FALSE(decode_load(registers_only, registers, {}));
  EXPECT_FALSE(decode_load({}, registers, {}));
}

}  // namespace
}  // namespace vmm
