// Values: what expressions mean when they run.
#include "run_script.h"

namespace vmm {
namespace {

std::string value_of(const std::string& expression) {
  std::string line = run_script("var two = 2\nvar x = " + expression + "\nprint \"=\" x");
  return line.size() < 3 ? line : line.substr(2, line.size() - 3);
}

TEST(Expressions, ArithmeticAndPrecedence) {
  EXPECT_EQ(value_of("1 + 2 * 3"), "7");
  EXPECT_EQ(value_of("(1 + 2) * 3"), "9");
  EXPECT_EQ(value_of("1 + two * 3"), "7");
  EXPECT_EQ(value_of("10 - 3 - two"), "5");
  EXPECT_EQ(value_of("17 / 5 * two + 17 % 5"), "8");
  EXPECT_EQ(value_of("0 - 1"), "18446744073709551615");
  EXPECT_EQ(value_of("-two + 3"), "1");
  EXPECT_EQ(value_of("0x10"), "16");
}

TEST(Expressions, ComparisonsAndLogic) {
  EXPECT_EQ(value_of("two == 2"), "1");
  EXPECT_EQ(value_of("two != 2"), "0");
  EXPECT_EQ(value_of("two < 2"), "0");
  EXPECT_EQ(value_of("two <= 2"), "1");
  EXPECT_EQ(value_of("two > 1"), "1");
  EXPECT_EQ(value_of("two >= 3"), "0");
  EXPECT_EQ(value_of("!two"), "0");
  EXPECT_EQ(value_of("two && 5"), "1");
  EXPECT_EQ(value_of("two && 0"), "0");
  EXPECT_EQ(value_of("0 || two"), "1");
  EXPECT_EQ(value_of("0 || 0"), "0");
  EXPECT_EQ(value_of("1 == 1 && 2 == 3 || 4 == 4"), "1");
}

TEST(Expressions, LogicStopsWhenItIsDecided) {
  EXPECT_EQ(value_of("0 && 1 / (two - 2)"), "0");
  EXPECT_EQ(value_of("1 || 1 / (two - 2)"), "1");
}

TEST(Expressions, AVariableMayStandOnBothSides) {
  EXPECT_EQ(run_script("var x = 5\nx = x * x - x\nprint \"x\" x"), "x 20\n");
  EXPECT_EQ(run_script("var x = 1\nx = x && x == 1\nprint \"x\" x"), "x 1\n");
}

TEST(Expressions, Facts) {
  EXPECT_EQ(value_of("pid"), "1");
  EXPECT_EQ(value_of("vcpus"), "1");
  EXPECT_EQ(value_of("vcpu"), "0");
  EXPECT_EQ(run_script("print \"seed\" seed", 77), "seed 77\n");
}

TEST(Expressions, RandomFollowsFromTheSeed) {
  const std::string script = "repeat 5 { print \"r\" random(1000) }";
  EXPECT_EQ(run_script(script, 5), run_script(script, 5));
  EXPECT_NE(run_script(script, 5), run_script(script, 6));
  run_script("repeat 200 { expect random(3) < 3 }");
}

TEST(Expressions, RandomDiffersBetweenParentChildAndThread) {
  const std::string out = run_script(
      "fork { print \"r\" random(1000000) }\nwait\n"
      "thread { print \"r\" random(1000000) }\njoin\nprint \"r\" random(1000000)\n");
  std::vector<std::string> lines;
  for (size_t at = 0; at < out.size(); at = out.find('\n', at) + 1) {
    lines.push_back(out.substr(at, out.find('\n', at) - at));
  }
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_NE(lines[0], lines[1]);
  EXPECT_NE(lines[1], lines[2]);
  EXPECT_NE(lines[0], lines[2]);
}

TEST(Expressions, WordsOfPages) {
  EXPECT_EQ(run_script("region d 3\nmap d rw\nwrite d page * 10\nvar i = 2\n"
                       "print \"sum\" d[0] + d[1] + d[i]"),
            "sum 30\n");
}

}  // namespace
}  // namespace vmm
