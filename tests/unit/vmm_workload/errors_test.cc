// Every error of the compiler: file, line and reason.
#include <string>

#include "absl/strings/str_cat.h"
#include "run_script.h"

namespace vmm {
namespace {

struct Mistake {
  const char* text;
  const char* error;
};

class CompileErrors : public testing::TestWithParam<Mistake> {};

TEST_P(CompileErrors, NameLineAndReason) {
  EXPECT_EQ(compile_error(GetParam().text), GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(
    Grammar, CompileErrors,
    testing::Values(
        Mistake{"\nfoo 3", "t.wl:2: there is no statement 'foo'"},
        Mistake{"3", "t.wl:1: expected a statement, found '3'"},
        Mistake{"}", "t.wl:1: '}' without a '{'"},
        Mistake{"else {}", "t.wl:1: expected a statement, found 'else'"},
        Mistake{"repeat 3 {\n yield\n", "t.wl:1: the '{' of this line is not closed"},
        Mistake{"repeat 3\n{ }", "t.wl:1: expected '{', found the end of the statement"},
        Mistake{"yield yield", "t.wl:1: expected the end of the statement, found 'yield'"},
        Mistake{"region data", "t.wl:1: expected a value, found the end of the script"},
        Mistake{"region map 3", "t.wl:1: 'map' is a word of the language, not a region"},
        Mistake{"region d 1\nmap d",
                "t.wl:2: expected none, r, rw, rx or rwx, found the end of the script"},
        Mistake{"region d 1\nmap d wr", "t.wl:2: expected none, r, rw, rx or rwx, found 'wr'"},
        Mistake{"region d 1\nmap d rw expect 3",
                "t.wl:2: expected the name of an error such as ENOMEM, found '3'"},
        Mistake{"region d 1\nmap d rw expect EFOO",
                "t.wl:2: expected the name of an error such as ENOMEM, found 'EFOO'"},
        Mistake{"region d 1\nunmap d[0", "t.wl:2: expected ']', found the end of the script"},
        Mistake{"fault d", "t.wl:1: expected 'read' or 'write', found 'd'"},
        Mistake{"for i 0..3 {}", "t.wl:1: expected 'in', found '0'"},
        Mistake{"for i in 0 {}", "t.wl:1: expected '..', found '{'"},
        Mistake{"var x 3", "t.wl:1: expected '=', found '3'"},
        Mistake{"var x = ", "t.wl:1: expected a value, found the end of the script"},
        Mistake{"var x = (1 + 2", "t.wl:1: expected ')', found the end of the script"},
        Mistake{"var x = 1 +* 2", "t.wl:1: expected a value, found '*'"},
        Mistake{"var page = 1", "t.wl:1: 'page' is a word of the language, not a variable"},
        Mistake{"phase load {}", "t.wl:1: expected a label in quotes, found 'load'"},
        Mistake{"print 3", "t.wl:1: expected a text in quotes, found '3'"},
        Mistake{"pin_test 3 phases \"a\"",
                "t.wl:1: expected the label for unpinning, found the end of the script"},
        Mistake{"region d 2\nexpect present(d)",
                "t.wl:2: present() asks about one page, as in present(d[0])"},
        Mistake{"region d 2\nexpect dirty(d[0..1])",
                "t.wl:2: dirty() asks about one page, as in dirty(d[0])"},
        Mistake{"region d 2\nexpect try_write(d[0])", "t.wl:2: expected ',', found ')'"},
        Mistake{"region d 2\nmove d[0]", "t.wl:2: expected 'to', found the end of the script"},
        Mistake{"region d 2\nmove d[0] to d[1..2]",
                "t.wl:2: 'to' names one page, the first of the new place, or a region"},
        Mistake{"exec", "t.wl:1: expected '{', found the end of the script"}));

INSTANTIATE_TEST_SUITE_P(
    Meaning, CompileErrors,
    testing::Values(
        Mistake{"map d rw", "t.wl:1: there is no region 'd'"},
        Mistake{"region d 2\nmove d to e", "t.wl:2: there is no region 'e'"},
        Mistake{"region d 2\nmove d to d[2]",
                "t.wl:2: page 2 is outside region 'd', which has 2 pages"},
        Mistake{"var x = 1\nexec {\nvar y = x\n}", "t.wl:3: there is no variable 'x'"},
        Mistake{"thread {\nexec {\nvar x = 1\n}\nexit 1\n}",
                "t.wl:5: a thread ends at the end of its block; only a process exits"},
        Mistake{"var x = d[0]", "t.wl:1: there is no region 'd'"},
        Mistake{"region d 4\n\nread d[4]",
                "t.wl:3: page 4 is outside region 'd', which has 4 pages"},
        Mistake{"region d 4\nread d[2..5]",
                "t.wl:2: the range ends at page 5, outside region 'd', which has 4 pages"},
        Mistake{"var n = 3\nregion d 4\nread d[4..n]",
                "t.wl:3: the range starts at page 4, outside region 'd', which has 4 pages"},
        Mistake{"region d 4\nread d[2..2]", "t.wl:2: the range 2..2 is empty"},
        Mistake{"region d 4\nread d[3..1]", "t.wl:2: the range 3..1 is empty"},
        Mistake{"region d 4\nread d[2*2]",
                "t.wl:2: page 4 is outside region 'd', which has 4 pages"},
        Mistake{"region d 0", "t.wl:1: a region has 1 to 16777216 pages"},
        Mistake{"region d 99999999", "t.wl:1: a region has 1 to 16777216 pages"},
        Mistake{"region d 1\nregion d 1", "t.wl:2: 'd' is defined already"},
        Mistake{"var x = 1\nregion d x", "t.wl:2: the size of a region is a constant"},
        Mistake{"repeat 1 {\nregion d 1\n}", "t.wl:2: a region is defined outside all blocks"},
        Mistake{"region d 1 after c", "t.wl:1: there is no region 'c'"},
        Mistake{"region a 1\nregion b 1 after a\nregion c 1 after a",
                "t.wl:3: another region follows 'a' already"},
        Mistake{"region a 1\nregion b 1\nregion c 1 after a",
                "t.wl:3: 'a' is not the last region so far"},
        Mistake{"x = 3", "t.wl:1: there is no variable 'x'"},
        Mistake{"region d 1\nd = 3", "t.wl:2: 'd' is a region, not a variable"},
        Mistake{"expect x == 3", "t.wl:1: there is no variable 'x'"},
        Mistake{"region d 1\nexpect d == 3",
                "t.wl:2: 'd' is a region; the word of one of its pages is d[0]"},
        Mistake{"expect page == 3",
                "t.wl:1: 'page' has a value only where pages are written or checked"},
        Mistake{"var x = 1\nvar x = 2", "t.wl:2: 'x' is defined already"},
        Mistake{"var x = 1\nfor x in 0..2 {}", "t.wl:2: 'x' is defined already"},
        Mistake{"repeat 1 { var x = 1 }\nx = 2", "t.wl:2: there is no variable 'x'"},
        Mistake{"thread {\nexit 0\n}",
                "t.wl:2: a thread ends at the end of its block; only a process exits"},
        Mistake{"repeat 2 {\nphase \"a\"\n}",
                "t.wl:2: inside a block, a phase is a block itself: phase \"label\" { ... }"},
        Mistake{"var x = random(0)", "t.wl:1: random(0) has no answer"}));

TEST(CompileErrors, TooManyLabels) {
  std::string text;
  for (unsigned i = 0; i <= guest_abi::kMaxLabels; ++i) {
    EXPECT_EQ(compile_error(text), "no error");
    absl::StrAppend(&text, "phase \"label ", i, "\"\n");
  }
  EXPECT_EQ(compile_error(text), "t.wl:31: a workload has at most 30 labels");
}

TEST(CompileErrors, BlocksThatNestTooDeeply) {
  const auto nested = [](int depth) {
    std::string text;
    for (int i = 0; i < depth; ++i) text += "if 1 {\n";
    for (int i = 0; i < depth; ++i) text += "}";
    return text;
  };
  EXPECT_EQ(compile_error(nested(16)), "no error");
  EXPECT_EQ(compile_error(nested(17)), "t.wl:17: blocks nest at most 16 deep");
  EXPECT_EQ(compile_error(nested(100000)), "t.wl:17: blocks nest at most 16 deep");
  std::string chain = "if 1 {}";
  for (int i = 0; i < 10000; ++i) chain += " else if 1 {}";
  EXPECT_EQ(compile_error(chain), "t.wl:1: blocks nest at most 16 deep");
}

TEST(CompileErrors, ExpressionsThatAreTooLarge) {
  EXPECT_EQ(compile_error("var x = " + std::string(100000, '(')),
            "t.wl:1: the expression is nested too deeply");
  EXPECT_EQ(compile_error("var x = " + std::string(100000, '!') + "1"),
            "t.wl:1: the expression is nested too deeply");
  std::string sum = "var x = 1";
  for (int i = 0; i < 100000; ++i) sum += "+1";
  EXPECT_EQ(compile_error(sum), "t.wl:1: the expression is too long");
}

TEST(CompileErrors, TooManyVariables) {
  std::string text;
  for (int i = 0; i < 60; ++i) absl::StrAppend(&text, "var v", i, " = pid\n");
  EXPECT_EQ(compile_error(text), "t.wl:49: too many variables and values at once");
}

TEST(CompileErrors, ProgramsThatAreTooLarge) {
  std::string text = "region d 1\nmap d rw\n";
  for (int i = 0; i < 2000; ++i) text += "write d 1\n";
  EXPECT_EQ(compile_error(text), "no error");
  for (int i = 0; i < 2000; ++i) text += "write d 1\n";
  EXPECT_EQ(compile_error(text), "t.wl:4002: the compiled program is larger than 262144 bytes");
}

TEST(CompileErrors, RegionsThatDoNotFitTheAddressSpace) {
  std::string text;
  for (int i = 0; i < 2100; ++i) absl::StrAppend(&text, "region r", i, " 16777216\n");
  EXPECT_THAT(compile_error(text), testing::HasSubstr("the regions do not fit the address space"));
}

}  // namespace
}  // namespace vmm
