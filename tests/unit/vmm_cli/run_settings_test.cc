#include "cli/run_settings.h"

#include <gtest/gtest.h>

#include <vector>

#include "absl/strings/str_cat.h"

namespace vmm {
namespace {

std::string error(std::vector<std::string> arguments) {
  RunSettings settings;
  FlagSet flags("pvmmu run");
  add_run_flags(flags, settings);
  const auto others = flags.parse(arguments);
  if (!others.ok()) return std::string(others.status().message());
  return std::string(check_settings(settings, flags).message());
}

TEST(Batch, EntriesAloneKeepTheirShareOfBytes) {
  EXPECT_EQ(parse_batch("32")->argument_bytes, 512u);
  EXPECT_EQ(parse_batch("128")->argument_bytes, 2048u);
  EXPECT_EQ(parse_batch("1")->entries, 1u);
  EXPECT_TRUE(parse_batch("1")->valid());
  EXPECT_TRUE(parse_batch("256")->valid());
}

TEST(Batch, BothLimits) {
  const auto limits = parse_batch("64:256");
  ASSERT_TRUE(limits.ok());
  EXPECT_EQ(limits->entries, 64u);
  EXPECT_EQ(limits->argument_bytes, 256u);
}

TEST(Batch, RefusesWhatTheQueueCannotHold) {
  for (const char* text :
       {"", "0", "257", "32:", "32:8", "32:4097", "32:512:1", ":512", "-1", "many"}) {
    EXPECT_FALSE(parse_batch(text).ok()) << text;
  }
}

TEST(Cuts, StepsSeedsAndEvery) {
  EXPECT_EQ(parse_cuts("every")->allow(false, 1), 0u);
  auto at_seven = parse_cuts("7");
  ASSERT_TRUE(at_seven.ok());
  EXPECT_EQ(at_seven->allow(false, 1), 6u);
  EXPECT_EQ(at_seven->allow(false, 7), 0u);
  EXPECT_GT(at_seven->allow(true, 1), 1'000'000u);
  auto one = parse_cuts("random:5"), two = parse_cuts("random:5");
  ASSERT_TRUE(one.ok() && two.ok());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(one->allow(i != 0, 1), two->allow(i != 0, 1));
  for (const char* text : {"", "0", "-1", "random", "random:", "random:x", "always", "1000001"}) {
    EXPECT_FALSE(parse_cuts(text).ok()) << text;
  }
}

TEST(Seconds, FractionsButNothingOdd) {
  EXPECT_DOUBLE_EQ(*parse_seconds("0.5"), 0.5);
  EXPECT_DOUBLE_EQ(*parse_seconds("10"), 10);
  for (const char* text : {"", "0", "-1", "nan", "inf", "1s", "1e9"}) {
    EXPECT_FALSE(parse_seconds(text).ok()) << text;
  }
}

TEST(RunFlags, RangesOfTheMachine) {
  EXPECT_EQ(error({"--vcpus=4", "--memory=16", "--timeout=0.1"}), "");
  EXPECT_NE(error({"--vcpus=0"}), "");
  EXPECT_NE(error({"--vcpus=1000"}), "");
  EXPECT_EQ(error({"--vcpus=5"}), "--vcpus: the built-in guest runs on 1 to 4 processors, not 5");
  EXPECT_NE(error({"--memory=15"}), "");
  EXPECT_NE(error({"--memory=4097"}), "");
  EXPECT_NE(error({"--mode=better"}), "");
  EXPECT_NE(error({"--kvm=bare"}), "");
}

TEST(RunFlags, ValuesThatLookLikeOthers) {
  for (const char* flag : {"--lazy-policy=x", "--check-rules=on", "--trace-pte=first"}) {
    EXPECT_NE(error({flag}), "") << flag;
  }
}

TEST(RunFlags, AuditAndExplain) {
  EXPECT_EQ(error({"--audit=call", "--explain"}), "");
  EXPECT_EQ(error({"--audit=always"}), "--audit: \"always\" is none of call, exit, off");
  EXPECT_NE(error({"--explain=yes"}), "");
}

TEST(RunFlags, ACommandLineMustFitIntoStartInfo) {
  EXPECT_EQ(error({"--cmdline=" + std::string(900, 'x')}), "");
  EXPECT_NE(error({"--cmdline=" + std::string(1000, 'x')}), "");
}

TEST(GuestCommandLine, SaysAllSettings) {
  RunSettings settings;
  settings.vcpus = 2;
  settings.split_ptl = false;
  settings.command_line = "extra=1";
  EXPECT_EQ(guest_command_line(settings),
            "mode=batched split_ptl=off batch=32:512 seed=1 tick=0 vcpus=2 extra=1");
}

TEST(GuestCommandLine, ModeBestHasTheLargestQueueUnlessToldOtherwise) {
  RunSettings settings;
  settings.mode = "best";
  EXPECT_EQ(guest_command_line(settings),
            "mode=best split_ptl=on batch=256:4096 seed=1 tick=0 vcpus=1");
  settings.batch = multicall::kClassicalLimits;
  EXPECT_EQ(guest_command_line(settings),
            "mode=best split_ptl=on batch=32:512 seed=1 tick=0 vcpus=1");
}

TEST(CheckRules, NamesModelsInTheGuestsWords) {
  EXPECT_EQ(*parse_check_rules(""), "x86,powerpc-hash,s390");
  EXPECT_EQ(*parse_check_rules("all"), "x86,powerpc-hash,s390");
  EXPECT_EQ(*parse_check_rules("report"), "x86,powerpc-hash,s390,report");
  EXPECT_EQ(*parse_check_rules("report,s390,x86"), "x86,s390,report");
  for (const char* text : {"x87", "all;report", "x86 s390", "R9"}) {
    EXPECT_FALSE(parse_check_rules(text).ok()) << text;
  }
  RunSettings settings;
  settings.check_rules = "x86,report";
  EXPECT_NE(guest_command_line(settings).find(" vcpus=1 check_rules=x86,report"),
            std::string::npos);
}

TEST(TracedAddress, IsOneOfAProgramsMemoryAndNamesItsPage) {
  EXPECT_EQ(*parse_traced_address("0"), 0u);
  EXPECT_EQ(*parse_traced_address("0x10000000"), 0x10000000u);
  EXPECT_EQ(*parse_traced_address("0x10000fff"), 0x10000000u);
  EXPECT_EQ(*parse_traced_address("268435456"), 0x10000000u);
  EXPECT_EQ(*parse_traced_address("0x7fffffffffff"), 0x7ffffffff000u);
  for (const char* text : {"", "here", "0x", "10000000h", "-1", "0x800000000000",
                           "0xffff800000000000", "0x10000000 "}) {
    EXPECT_EQ(
        parse_traced_address(text).status().message(),
        absl::StrCat("\"", text, "\" is not the address of a program's memory, as 0x10000000"));
  }
}

TEST(SimTlb, NamesAModelAndASeedWhereItNeedsOne) {
  EXPECT_EQ(parse_sim_tlb("none")->kind, SimTlb::Kind::kNone);
  EXPECT_EQ(parse_sim_tlb("full")->kind, SimTlb::Kind::kFull);
  EXPECT_EQ(parse_sim_tlb("random:0")->kind, SimTlb::Kind::kRandom);
  EXPECT_EQ(parse_sim_tlb("speculative:7")->kind, SimTlb::Kind::kSpeculative);
  EXPECT_EQ(parse_sim_tlb("speculative:7")->seed, 7u);
  for (const char* text : {"", "some", "random", "random:", "random:x", "full:1", ":1", "none:"}) {
    EXPECT_FALSE(parse_sim_tlb(text).ok()) << text;
  }
}

TEST(Engine, FlagsThatDoNotGoTogether) {
  EXPECT_EQ(error({"--engine=sim", "--sim-tlb=none", "--vcpus=4"}), "");
  EXPECT_NE(error({"--sim-tlb=none"}), "");
  EXPECT_NE(error({"--engine=sim", "--kvm=host"}), "");
  EXPECT_NE(error({"--engine=other"}), "");
}

}  // namespace
}  // namespace vmm
