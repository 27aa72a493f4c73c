#include "nested/control_channel.h"

#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"

namespace vmm {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

// A file that looks like records itself, so that framing by content would show.
const std::string kTricky("exit 7\nfile 0 3\n\0\xff\n", 20);

// The same conversation, whatever the pieces it arrives in.
TEST(ControlChannel, GivesTheSameForEveryCut) {
  const std::string text =
      absl::StrCat("start\nfile 0 ", kTricky.size(), "\n", kTricky, "file 1 0\nexit 42\n");
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    ControlChannel channel(2);
    for (size_t at = 0; at < text.size(); at += piece) {
      EXPECT_FALSE(channel.exit_status().has_value());
      ASSERT_TRUE(channel.feed(absl::string_view(text).substr(at, piece)).ok());
    }
    EXPECT_TRUE(channel.started());
    EXPECT_EQ(channel.exit_status(), 42);
    EXPECT_THAT(channel.files(), ElementsAre(Pair(0, kTricky), Pair(1, "")));
  }
}

TEST(ControlChannel, KnowsNothingBeforeALineEnds) {
  ControlChannel channel(0);
  ASSERT_TRUE(channel.feed("start").ok());
  EXPECT_FALSE(channel.started());
  ASSERT_TRUE(channel.feed("\nexit 1").ok());
  EXPECT_TRUE(channel.started());
  EXPECT_FALSE(channel.exit_status().has_value());
}

TEST(ControlChannel, HandsOnTheBedsOwnFault) {
  const absl::Status status = ControlChannel(0).feed("fault cannot load kvm\n");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), ::testing::HasSubstr("cannot load kvm"));
}

TEST(ControlChannel, RefusesWhatTheScriptNeverSays) {
  for (const std::string line : {"hello", "exit", "exit x", "exit 1 2", "file 0", "file x 1",
                                 "file 0 -1", "file 1 1", "file 0 99999999999999999999", ""}) {
    EXPECT_FALSE(ControlChannel(1).feed(absl::StrCat(line, "\n")).ok()) << line;
  }
  EXPECT_FALSE(ControlChannel(1).feed(std::string(100'000, 'a')).ok());
}

}  // namespace
}  // namespace vmm
