#include "cli/flag_set.h"

#include <gtest/gtest.h>

namespace vmm {
namespace {

using Strings = std::vector<std::string>;

enum class Colour { kRed, kGreen };

class FlagSetTest : public testing::Test {
 protected:
  FlagSetTest() : flags_("pvmmu test") {
    flags_.add_switch("loud", "Says more.", loud_);
    flags_.add_text("name", "TEXT", "A name.", name_);
    flags_.add_integer("count", "N", {1, 32}, "How many.", count_);
    flags_.add_choice<Colour>("colour", {{"red", Colour::kRed}, {"green", Colour::kGreen}},
                              "Which.\nSecond line.", colour_);
  }

  // The message of the error, or "" if there was none.
  std::string error(const Strings& arguments) {
    const auto others = flags_.parse(arguments);
    return others.ok() ? "" : std::string(others.status().message());
  }

  FlagSet flags_;
  bool loud_ = false;
  std::string name_;
  uint64_t count_ = 7;
  Colour colour_ = Colour::kRed;
};

TEST_F(FlagSetTest, SetsBothForms) {
  const auto others =
      flags_.parse(Strings{"a", "--loud", "--name=x=y", "--count", "0x10", "b", "--colour=green"});
  ASSERT_TRUE(others.ok()) << others.status();
  EXPECT_EQ(*others, (Strings{"a", "b"}));
  EXPECT_TRUE(loud_);
  EXPECT_EQ(name_, "x=y");
  EXPECT_EQ(count_, 16u);
  EXPECT_EQ(colour_, Colour::kGreen);
  EXPECT_TRUE(flags_.given("count"));
}

TEST_F(FlagSetTest, TheLastOfSeveralWins) {
  ASSERT_EQ(error({"--count=1", "--count=2"}), "");
  EXPECT_EQ(count_, 2u);
}

TEST_F(FlagSetTest, TwoDashesEndTheFlags) {
  const auto others = flags_.parse(Strings{"--", "--loud"});
  ASSERT_TRUE(others.ok());
  EXPECT_EQ(*others, Strings{"--loud"});
  EXPECT_FALSE(loud_);
}

TEST_F(FlagSetTest, UnknownFlagsAreRefusedByName) {
  EXPECT_EQ(error({"--cuont=3"}), "pvmmu test has no flag --cuont; did you mean --count?");
  const std::vector<std::string> commands = {"run", "bench", "log"};
  EXPECT_EQ(closest_name("rnu", commands), "run");  // two letters exchanged are one mistake
  EXPECT_EQ(closest_name("foo", commands), "");     // two of three wrong are no mistake
  EXPECT_EQ(error({"--zzzzzz"}), "pvmmu test has no flag --zzzzzz");
  EXPECT_EQ(error({"-x"}), "pvmmu test has no flag -x; flags start with --");
}

TEST_F(FlagSetTest, BadValuesSayWhatIsAccepted) {
  for (const char* value :
       {"0", "33", "-1", "+1", " 1", "1 ", "", "1e3", "one", "0x", "99999999999999999999"}) {
    EXPECT_EQ(error({absl::StrCat("--count=", value)}),
              absl::StrCat("--count: \"", value, "\" is not a whole number from 1 to 32"));
  }
  EXPECT_EQ(count_, 7u);
  EXPECT_EQ(error({"--colour=blue"}), "--colour: \"blue\" is none of red, green");
}

TEST_F(FlagSetTest, MissingAndNeedlessValues) {
  EXPECT_EQ(error({"--name"}), "--name needs a value: --name=TEXT");
  EXPECT_EQ(error({"--loud=yes"}), "--loud takes no value");
}

TEST_F(FlagSetTest, AnOptionalValueNeedsTheEqualsSign) {
  std::string said = "nothing";
  flags_.add_optional("maybe", "WORD", "Perhaps.", [&said](absl::string_view value) {
    said = std::string(value);
    return value == "no" ? absl::InvalidArgumentError("not that") : absl::OkStatus();
  });
  const auto others = flags_.parse(Strings{"--maybe", "other"});
  ASSERT_TRUE(others.ok()) << others.status();
  EXPECT_EQ(*others, Strings{"other"});
  EXPECT_EQ(said, "");
  EXPECT_EQ(flags_.given_arguments({}), Strings{"--maybe"});
  EXPECT_EQ(error({"--maybe=yes"}), "");
  EXPECT_EQ(said, "yes");
  EXPECT_EQ(flags_.given_arguments({}), Strings{"--maybe=yes"});
  EXPECT_EQ(error({"--maybe=no"}), "--maybe: not that");
  EXPECT_NE(flags_.help().find("--maybe[=WORD]"), std::string::npos);
}

TEST_F(FlagSetTest, HelpStopsTheReading) {
  EXPECT_EQ(error({"--help", "--nonsense"}), "");
  EXPECT_TRUE(flags_.help_requested());
}

TEST_F(FlagSetTest, HelpTextListsEveryFlag) {
  const std::string help = flags_.help();
  EXPECT_NE(help.find("  --loud                  Says more.\n"), std::string::npos) << help;
  EXPECT_NE(help.find("--colour=red|green"), std::string::npos);
  EXPECT_NE(help.find("\n                          Second line.\n"), std::string::npos) << help;
}

TEST_F(FlagSetTest, GivenArgumentsAreCanonical) {
  ASSERT_EQ(error({"--count", "3", "--loud", "--name=x", "--count=4"}), "");
  EXPECT_EQ(flags_.given_arguments(Strings{"name"}), (Strings{"--loud", "--count=4"}));
}

}  // namespace
}  // namespace vmm
