#include "nested/program_stream.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace vmm {
namespace {

TEST(ProgramStream, IsWholeWithItsMark) {
  ProgramStream stream("~mark");
  EXPECT_EQ(stream.feed("some words\n"), "some words\n") << "nothing waits that is not of the mark";
  EXPECT_FALSE(stream.whole());
  EXPECT_EQ(stream.feed("the last~mark"), "the last");
  EXPECT_TRUE(stream.whole());
}

TEST(ProgramStream, AnyPiecesGiveTheSame) {
  const std::string program = "a~b~~m~ma~mar~~mar";
  const std::string bytes = program + "~mark";
  for (size_t size = 1; size <= bytes.size(); ++size) {
    ProgramStream stream("~mark");
    std::string got;
    for (size_t at = 0; at < bytes.size(); at += size) {
      EXPECT_FALSE(stream.whole()) << "pieces of " << size;
      absl::StrAppend(&got, stream.feed(absl::string_view(bytes).substr(at, size)));
    }
    EXPECT_TRUE(stream.whole()) << "pieces of " << size;
    EXPECT_EQ(got, program) << "pieces of " << size;
  }
}

TEST(ProgramStream, AnEmptyOutputIsWhole) {
  ProgramStream stream("~mark");
  EXPECT_EQ(stream.feed("~ma"), "");
  EXPECT_FALSE(stream.whole());
  EXPECT_EQ(stream.feed("rk"), "");
  EXPECT_TRUE(stream.whole());
}

TEST(ProgramStream, MarksDiffer) {
  EXPECT_NE(new_stream_mark(), new_stream_mark());
  EXPECT_TRUE(absl::StartsWith(new_stream_mark(), "~"));
}

}  // namespace
}  // namespace vmm
