// Programs that no compiler made: refused before they run.
#include <cstring>
#include <random>

#include "run_script.h"

namespace vmm {
namespace {

using guest_abi::Op;
using guest_abi::Opcode;
using guest_abi::ProgramHeader;
using interpreter::check_program;

class ProgramCheck : public testing::Test {
 protected:
  ProgramHeader& header() { return *reinterpret_cast<ProgramHeader*>(program_.data()); }
  Op& op(size_t i) { return reinterpret_cast<Op*>(program_.data() + header().op_offset)[i]; }
  const char* check() { return check_program(program_.data(), program_.size()); }
  size_t find(Opcode code) {
    size_t i = 0;
    while (op(i).code != code) ++i;
    return i;
  }

  std::vector<std::byte> program_ =
      *compile_workload("region d 1\nmap d rw\nif d[0] { expect pid }\nphase \"a\"", "t.wl");
};

TEST_F(ProgramCheck, TheCompilersAreGood) {
  EXPECT_EQ(check(), nullptr);
}

TEST_F(ProgramCheck, EveryTruncationIsRefused) {
  for (size_t size = 0; size < program_.size(); ++size) {
    std::vector<std::byte> shorter(program_.begin(), program_.begin() + static_cast<long>(size));
    EXPECT_NE(check_program(shorter.data(), size), nullptr) << size;
  }
}

TEST_F(ProgramCheck, Headers) {
  const ProgramHeader good = header();
  const auto expect_refused = [&](auto change, const char* reason) {
    header() = good;
    change(header());
    EXPECT_STREQ(check(), reason);
  };
  expect_refused([](auto& h) { h.magic ^= 1; }, "not a program");
  expect_refused([](auto& h) { ++h.version; }, "program of another version");
  expect_refused([](auto& h) { h.byte_count = UINT32_MAX; }, "bad program size");
  expect_refused([](auto& h) { h.op_count = 0; }, "bad op array");
  expect_refused([](auto& h) { h.op_count = UINT32_MAX; }, "bad op array");
  expect_refused([](auto& h) { h.op_offset = UINT32_MAX - 7; }, "bad op array");
  expect_refused([](auto& h) { h.op_offset += 4; }, "bad op array");
  expect_refused([](auto& h) { h.label_count = guest_abi::kMaxLabels + 1; }, "bad label table");
  expect_refused([](auto& h) { h.label_offset = h.byte_count; }, "bad label table");
  expect_refused([](auto& h) { h.string_bytes = UINT32_MAX; }, "bad string table");
  expect_refused([](auto& h) { h.string_bytes = 0; }, "bad string table");
  expect_refused([](auto& h) { --h.string_bytes; }, "bad string table");
  expect_refused([](auto& h) { h.name = h.string_bytes; }, "bad name");
}

TEST_F(ProgramCheck, Ops) {
  const auto expect_refused = [&](size_t index, auto change, const char* reason) {
    const Op good = op(index);
    change(op(index));
    EXPECT_STREQ(check(), reason);
    op(index) = good;
  };
  expect_refused(
      0, [](Op& o) { o.code = Opcode::kCount; }, "unknown op");
  expect_refused(
      0, [](Op& o) { o.d = guest_abi::kRegisterCount; }, "bad register");
  expect_refused(
      0, [](Op& o) { o.b = 255; }, "bad register");
  expect_refused(
      0, [](Op& o) { o.text = UINT32_MAX; }, "bad op");
  expect_refused(
      0, [](Op& o) { o.flags = 4; }, "bad op");
  const size_t call = find(Opcode::kSyscall);
  expect_refused(
      call, [](Op& o) { o.imm = 0; }, "bad system call");  // exit has an op of its own
  expect_refused(
      call, [](Op& o) { o.imm = UINT64_MAX; }, "bad system call");
  expect_refused(
      call, [](Op& o) { o.a = guest_abi::kRegisterCount - 5; }, "bad system call");
  expect_refused(
      find(Opcode::kJumpIfZero), [&](Op& o) { o.imm = header().op_count; }, "bad jump");
  expect_refused(
      find(Opcode::kQuery), [](Op& o) { o.imm = 9; }, "bad query");
  expect_refused(
      find(Opcode::kExpect), [](Op& o) { o.imm = UINT64_MAX; }, "bad message");
  expect_refused(
      header().op_count - 1, [](Op& o) { o.code = Opcode::kConst; }, "program without an end");
}

// Whatever passes the check also runs without harm (the sanitizers watch) to some end or none.
TEST_F(ProgramCheck, RandomDamageIsRefusedOrHarmless) {
  std::mt19937_64 random(1);
  const std::vector<std::byte> good = *compile_workload(
      "region d 3\nmap d rw\nwrite d page\nfork { thread { add d[1] 1 } }\nwait\n"
      "check d page\nfill d[0] 1\nverify d[0] 1\nfault read d[2]\n",
      "t.wl");
  unsigned ran = 0;
  for (int round = 0; round < 2000; ++round) {
    program_ = good;
    for (uint64_t changes = 1 + random() % 3; changes != 0; --changes) {
      program_[random() % program_.size()] = static_cast<std::byte>(random());
    }
    if (check() == nullptr) {
      ++ran;
      FakeKernel(program_).run(50);
    }
  }
  EXPECT_GT(ran, 200u);
}

TEST_F(ProgramCheck, LabelsOfABadProgramAreAnError) {
  header().magic = 0;
  EXPECT_FALSE(label_names(program_).ok());
  EXPECT_FALSE(list_program(program_).ok());
}

}  // namespace
}  // namespace vmm
