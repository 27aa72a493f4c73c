// The command line: what is understood, what is refused, and which word is named.
#include <gtest/gtest.h>

#include <string>

#include "options.h"

namespace kernel {
namespace {

// The word that was not understood; empty if all was.
std::string parse(const std::string& text, Options& options) {
  const OptionError error = parse_options(text.c_str(), text.size() + 1, options);
  return error.word == nullptr ? std::string() : std::string(error.word, error.length);
}

TEST(Options, AnEmptyLineLeavesTheDefaults) {
  Options options;
  EXPECT_EQ("", parse("", options));
  EXPECT_EQ("", parse("   ", options));
  EXPECT_EQ(Mode::kBatched, options.mode);
  EXPECT_TRUE(options.split_ptl);
  EXPECT_EQ(32u, options.batch.entries);
  EXPECT_EQ(512u, options.batch.argument_bytes);
  EXPECT_EQ(1u, options.vcpus);
  EXPECT_EQ(0u, options.tick_hz);
}

TEST(Options, AllAtOnce) {
  Options options;
  EXPECT_EQ("", parse("mode=lazy  split_ptl=off batch=16:256 seed=18446744073709551615 tick=100 "
                      "vcpus=4",
                      options));
  EXPECT_EQ(Mode::kLazy, options.mode);
  EXPECT_FALSE(options.split_ptl);
  EXPECT_EQ(16u, options.batch.entries);
  EXPECT_EQ(256u, options.batch.argument_bytes);
  EXPECT_EQ(UINT64_MAX, options.seed);
  EXPECT_EQ(100u, options.tick_hz);
  EXPECT_EQ(4u, options.vcpus);
}

TEST(Options, EveryModeHasItsName) {
  for (const Mode mode :
       {Mode::kEmulate, Mode::kSingle, Mode::kLazy, Mode::kBatched, Mode::kBest}) {
    Options options;
    EXPECT_EQ("", parse(std::string("mode=") + mode_name(mode), options));
    EXPECT_EQ(mode, options.mode);
  }
}

TEST(Options, ABatchWithoutBytesGetsItsShare) {
  Options options;
  EXPECT_EQ("", parse("batch=64", options));
  EXPECT_EQ(64u, options.batch.entries);
  EXPECT_EQ(1024u, options.batch.argument_bytes);
  EXPECT_EQ("", parse("batch=1", options));
  EXPECT_FALSE(options.batch.batching());
  EXPECT_TRUE(options.batch.valid());
}

TEST(Options, RulesAreCheckedByTheModelsNamed) {
  Options options;
  EXPECT_EQ("", parse("", options));
  EXPECT_EQ(0u, options.rules.models);
  EXPECT_EQ("", parse("check_rules=x86,s390,report", options));
  EXPECT_EQ(5u, options.rules.models);
  EXPECT_TRUE(options.rules.report);
  EXPECT_EQ("", parse("check_rules=all", options));
  EXPECT_EQ(guest_abi::kAllPteModels, options.rules.models);
  EXPECT_FALSE(options.rules.report);
  EXPECT_EQ("", parse("trace_pte=268435456", options));
  EXPECT_EQ(0x10000000u, options.rules.traced);
  EXPECT_EQ("", parse("lazy_policy=2023 lazy_schedule=preempt-nested", options));
  EXPECT_EQ(guest_abi::LazyPolicy::k2023, options.lazy_policy);
  EXPECT_EQ(guest_abi::LazySchedule::kPreemptNested, options.lazy_schedule);
  for (const char* wrong : {"trace_pte=", "trace_pte=0x10", "lazy_policy=2024", "lazy_policy=",
                            "lazy_schedule=", "check_rules", "check_rules=", "check_rules=report",
                            "check_rules=x86,", "check_rules=,x86", "check_rules=x87"}) {
    EXPECT_EQ(wrong, parse(wrong, options));
  }
}

TEST(Options, WhatIsWrongIsNamed) {
  for (const char* wrong : {"mode=fast",   "mode",          "mode=",
                            "modes=lazy",  "split_ptl=yes", "batch=0",
                            "batch=257",   "batch=32:",     "batch=:512",
                            "batch=32:31", "batch=32:5000", "batch=32:512:1",
                            "seed=-1",     "seed=",         "seed=18446744073709551616",
                            "seed=1x",     "tick=1001",     "vcpus=0",
                            "vcpus=5",     "colour=red",    "=",
                            "lazy"}) {
    Options options;
    EXPECT_EQ(wrong, parse(std::string("seed=2 ") + wrong + " tick=1", options));
  }
}

TEST(Options, ALineWithoutEndIsReadToItsSize) {
  const char line[] = {'s', 'e', 'e', 'd', '=', '4', '2'};
  Options options;
  EXPECT_EQ(nullptr, parse_options(line, sizeof(line), options).word);
  EXPECT_EQ(42u, options.seed);
}

}  // namespace
}  // namespace kernel
