// Statements on memory, phases and loops: what they ask of the kernel, and what they find.
#include "absl/strings/str_cat.h"
#include "run_script.h"

namespace vmm {
namespace {

using guest_abi::Syscall;
using Args = std::vector<uint64_t>;

// A call's first so many arguments; the others are left as they are.
Args first(size_t count, Args args) {
  args.resize(count);
  return args;
}

// The arguments of the only call of this kind in a run that ends well.
Args only_call(const std::string& text, Syscall number) {
  const auto kernel = load_script(text);
  EXPECT_EQ(kernel->run(), 0) << kernel->console;
  EXPECT_EQ(kernel->count(number), 1u);
  for (const auto& [called, args] : kernel->calls) {
    if (called == number) {
      return args;
    }
  }
  return {};
}

constexpr uint64_t kBase = guest_abi::kArenaBase;

TEST(Statements, MapArguments) {
  EXPECT_EQ(only_call("region d 4\nmap d rw", Syscall::kMmap),
            (Args{kBase, 4 * 4096, 3, guest_abi::kMapFixed, 0, 0}));
  EXPECT_EQ(only_call("region d 4\nmap d[1..3] rx shared", Syscall::kMmap),
            (Args{kBase + 4096, 2 * 4096, 5, guest_abi::kMapFixed | guest_abi::kMapShared, 0, 0}));
  EXPECT_EQ(only_call("var i = 3\nregion d 4\nmap d[i] none", Syscall::kMmap),
            (Args{kBase + 3 * 4096, 4096, 0, guest_abi::kMapFixed, 0, 0}));
}

TEST(Statements, RegionsLieAtTablesOfTheirOwnUnlessAfterAnother) {
  const std::string three = "region a 1\nregion b 600\nregion c 2 after b\nregion d 1\n";
  EXPECT_EQ(only_call(three + "map b rw", Syscall::kMmap)[0], kBase + 0x400000);
  EXPECT_EQ(only_call(three + "map c rw", Syscall::kMmap)[0], kBase + 0x400000 + 600 * 4096);
  EXPECT_EQ(only_call(three + "map d rw", Syscall::kMmap)[0] % 0x200000, 0u);
}

TEST(Statements, CallsOnRanges) {
  const std::string mapped = "region d 8\nmap d rw\n";
  EXPECT_EQ(first(3, only_call(mapped + "unmap d[2..4]", Syscall::kMunmap)),
            (Args{kBase + 0x2000, 0x2000, 0}));
  EXPECT_EQ(first(3, only_call(mapped + "protect d r", Syscall::kMprotect)),
            (Args{kBase, 0x8000, 1}));
  EXPECT_EQ(first(3, only_call(mapped + "protect_naive d[7] rwx", Syscall::kMprotectNaive)),
            (Args{kBase + 0x7000, 0x1000, 7}));
  EXPECT_EQ(only_call(mapped + "dontneed d[0]", Syscall::kMadviseDontNeed)[1], 4096u);
  EXPECT_EQ(only_call(mapped + "clear_refs d", Syscall::kClearRefs)[1], 0x8000u);
  EXPECT_EQ(only_call(mapped + "expect young(d[0..4]) == 0", Syscall::kTestAndClearYoung)[1],
            0x4000u);
}

TEST(Statements, PopulateAndItsPhase) {
  const std::string mapped = "region d 8\nmap d rw\n";
  EXPECT_EQ(only_call(mapped + "populate d", Syscall::kPopulate)[2], 0u);
  EXPECT_EQ(only_call(mapped + "populate d phase \"p\"", Syscall::kPopulate)[2],
            guest_abi::kFirstLabelPhase);
}

TEST(Statements, PinTest) {
  EXPECT_EQ(only_call("phase \"x\"\npin_test 512 phases \"pin\" \"unpin\"", Syscall::kPinTest),
            (Args{512, 3, 4, 0, 0, 0}));
  EXPECT_EQ(only_call("pin_test 3", Syscall::kPinTest), (Args{3, 0, 0, 0, 0, 0}));
}

TEST(Statements, ExpectedErrors) {
  run_script(
      "region d 4\nunmap d\ndontneed d expect ENOMEM\nprotect d r expect ENOMEM\nwait expect "
      "ECHILD");
  EXPECT_THAT(run_failing("region d 4\nmap d rw\nunmap d expect ENOMEM"),
              testing::HasSubstr("t.wl:3: unmap d expect ENOMEM: got 0, expected -12 (ENOMEM)"));
}

TEST(Statements, ReadWriteCheck) {
  run_script(
      "region d 5\nmap d rw\nread d\ncheck d 0\nwrite d page * 3 + 1\n"
      "check d page * 3 + 1\ncheck d[4] 13\nwrite d[1..3] 7\ncheck d[0] 1\n"
      "check d[1..3] 7\ncheck d[3] 10\nvar i = 2\nwrite d[i] i\ncheck d[i] 2\n"
      "read d[i..4]\n");
}

TEST(Statements, FillAndVerify) {
  const auto kernel = load_script("region d 2\nmap d rw\nfill d 1000 * page\nverify d 1000 * page");
  EXPECT_EQ(kernel->run(), 0) << kernel->console;
  EXPECT_THAT(run_failing("region d 1\nmap d rw\nfill d 5\nwrite d 6\nverify d 5"),
              testing::HasSubstr("verify d 5: got 6, expected 5"));
}

TEST(Statements, AddIsOnEveryPageOfTheRange) {
  run_script("region d 3\nmap d rw\nadd d 5\nadd d[1] page\ncheck d[0] 5\ncheck d[1] 6");
}

TEST(Statements, Faults) {
  run_script(
      "region d 3\nfault read d\nfault write d[1]\nmap d r\nread d\nfault write d\n"
      "protect d none\nfault read d[0..2]\n");
  EXPECT_THAT(run_failing("region d 1\nmap d rw\nfault write d"),
              testing::HasSubstr("t.wl:3: fault write d: the access did not fault"));
}

TEST(Statements, TriesThatMayFault) {
  run_script(
      "region d 2\nexpect !try_read(d[0])\nexpect !try_write(d[0], 1)\nmap d r\n"
      "expect try_read(d[1])\nvar done = try_write(d[1], 5)\nexpect done == 0\n"
      "protect d rw\nexpect try_write(d[1], 5)\ncheck d[1] 5\n");
}

TEST(Statements, EntryStates) {
  run_script(
      "region d 2\nmap d rw\nexpect has_table(d[0])\nexpect !present(d[0])\nread d[0]\n"
      "expect present(d[0]) && writable(d[0])\nexpect accessed(d[0]) && !dirty(d[0])\n"
      "write d[0] 1\nexpect dirty(d[0])\nclear_refs d\nexpect !dirty(d[0])\n"
      "read d\nexpect young(d) == 2\nexpect young(d) == 0\nprotect d r\n"
      "expect !writable(d[1])\n");
}

TEST(Statements, DontNeedDropsPrivateContents) {
  run_script(
      "region d 2\nmap d[0] rw\nmap d[1] rw shared\nwrite d 9\ndontneed d\n"
      "check d[0] 0\ncheck d[1] 9\n");
}

TEST(Statements, Loops) {
  EXPECT_EQ(run_script("for i in 2..5 { print \"i\" i }\nrepeat 2 { print \"r\" }\n"
                       "var n = 3\nwhile n > 1 { n = n - 1; print \"n\" n }\n"
                       "for i in 3..3 { print \"never\" }\nrepeat 0 { print \"never\" }"),
            "i 2\ni 3\ni 4\nr\nr\nn 2\nn 1\n");
}

TEST(Statements, Conditions) {
  const std::string script =
      "for i in 0..4 {\n if i == 0 { print \"zero\" } else if i == 1 { print \"one\" }\n"
      " else if i == 2 { print \"two\" } else { print \"many\" }\n}";
  EXPECT_THAT(compile_error(script), testing::HasSubstr("found 'else'"));  // else follows its }
  EXPECT_EQ(run_script("for i in 0..4 {\n if i == 0 { print \"zero\"\n } else if i == 1 {\n"
                       " print \"one\" } else if i == 2 { print \"two\" } else {\n"
                       " print \"many\" }\n}"),
            "zero\none\ntwo\nmany\n");
}

TEST(Statements, PhasesNestAndReturn) {
  const auto kernel = load_script("phase \"a\" { phase \"b\" { } }\nphase \"c\"\nphase \"a\" { }");
  EXPECT_EQ(kernel->run(), 0) << kernel->console;
  std::vector<uint64_t> phases;
  for (const auto& [number, args] : kernel->calls) {
    if (number == Syscall::kPhase) {
      phases.push_back(args[0]);
    }
  }
  EXPECT_EQ(phases, (std::vector<uint64_t>{2, 3, 2, 1, 4, 2, 4}));
}

TEST(Statements, LabelNames) {
  const auto program = compile_workload("phase \"b\" { }\nphase \"a\"\nphase \"b\" { }", "t.wl");
  ASSERT_TRUE(program.ok());
  EXPECT_EQ(*label_names(*program), (std::vector<std::string>{"b", "a"}));
}

TEST(Statements, YieldSleepSpin) {
  const auto kernel = load_script("yield\nsleep 3\nspin 40");
  EXPECT_EQ(kernel->run(), 0);
  EXPECT_EQ(kernel->count(Syscall::kYield), 1u);
  EXPECT_EQ(kernel->count(Syscall::kNanosleepTicks), 1u);
  EXPECT_EQ(kernel->pauses(), 40u);
}

TEST(Statements, RelaxYieldsAlwaysOnOneVcpuAndSometimesOnSeveral) {
  const auto one = load_script("repeat 16 { relax }");
  EXPECT_EQ(one->run(), 0);
  EXPECT_EQ(one->count(Syscall::kYield), 16u);
  const auto two = load_script("repeat 16 { relax }");
  two->vcpu_count = 2;
  EXPECT_EQ(two->run(), 0);
  EXPECT_EQ(two->count(Syscall::kYield), 2u);
}

TEST(Statements, PrintTakesLongTexts) {
  const std::string text(120, 'x');
  EXPECT_EQ(run_script(absl::StrCat("print \"", text, "\" 18446744073709551615")),
            text + " 18446744073709551615\n");
}

}  // namespace
}  // namespace vmm
