// Script text into tokens.
#include "workload/lexer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vmm {
namespace {

std::vector<std::string> texts(const std::string& source) {
  std::vector<std::string> result;
  const absl::StatusOr<std::vector<Token>> tokens = tokenize(source, "t.wl");
  EXPECT_TRUE(tokens.ok()) << tokens.status();
  for (const Token& token : *tokens) {
    result.push_back(token.kind == TokenKind::kNewline ? "NL" : token.text);
  }
  return result;
}

std::string error(const std::string& source) {
  return std::string(tokenize(source, "t.wl").status().message());
}

TEST(Lexer, WordsNumbersAndSymbols) {
  EXPECT_THAT(
      texts("write data[0..16] 0x10+1"),
      testing::ElementsAre("write", "data", "[", "0", "..", "16", "]", "0x10", "+", "1", ""));
  EXPECT_THAT(texts("a<=b==c&&!d"),
              testing::ElementsAre("a", "<=", "b", "==", "c", "&&", "!", "d", ""));
}

TEST(Lexer, NewlinesSemicolonsAndComments) {
  EXPECT_THAT(texts("yield; yield # twice; or more\njoin"),
              testing::ElementsAre("yield", "NL", "yield", "NL", "join", ""));
  const auto tokens = tokenize("a\nb;c\n\nd", "t.wl");
  EXPECT_EQ((*tokens)[0].line, 1);
  EXPECT_EQ((*tokens)[4].line, 2);
  EXPECT_EQ((*tokens)[7].line, 4);
}

TEST(Lexer, Numbers) {
  const auto tokens = tokenize("0 18446744073709551615 0xffffffffffffffff", "t.wl");
  EXPECT_EQ((*tokens)[1].number, UINT64_MAX);
  EXPECT_EQ((*tokens)[2].number, UINT64_MAX);
  EXPECT_EQ(error("1\n18446744073709551616"),
            "t.wl:2: '18446744073709551616' is not a 64-bit number");
  EXPECT_EQ(error("0x"), "t.wl:1: '0x' is not a 64-bit number");
  EXPECT_EQ(error("12ab"), "t.wl:1: '12ab' is not a 64-bit number");
}

TEST(Lexer, Strings) {
  EXPECT_THAT(texts("print \"a # b; c\""), testing::ElementsAre("print", "a # b; c", ""));
  EXPECT_EQ(error("print \"a\nb\""), "t.wl:1: the string does not end on its line");
  EXPECT_EQ(error("print \"a"), "t.wl:1: the string does not end on its line");
  EXPECT_EQ(error("\"a\tb\""), "t.wl:1: a string holds printable ASCII only");
  EXPECT_EQ(error('"' + std::string(121, 'x') + '"'),
            "t.wl:1: a string has at most 120 characters");
}

TEST(Lexer, OtherCharacters) {
  EXPECT_EQ(error("a @ b"), "t.wl:1: unexpected character '@'");
  EXPECT_EQ(error("a\n\x80"), "t.wl:2: a script is printable ASCII");
  EXPECT_EQ(error(std::string("a\0b", 3)), "t.wl:1: a script is printable ASCII");
}

}  // namespace
}  // namespace vmm
