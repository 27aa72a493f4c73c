// The kernel's formatter against the host's, and at its limits.
#include <gtest/gtest.h>

#include <climits>
#include <cstdint>
#include <cstdio>
#include <string>

#include "format.h"

namespace kernel {
namespace {

// Both get the same arguments.
#define EXPECT_LIKE_HOST(...)                                                         \
  do {                                                                                \
    char ours[256], hosts[256];                                                       \
    const size_t length = format_text(ours, sizeof(ours), __VA_ARGS__);               \
    EXPECT_EQ(snprintf(hosts, sizeof(hosts), __VA_ARGS__), static_cast<int>(length)); \
    EXPECT_STREQ(hosts, ours);                                                        \
  } while (false)

TEST(Format, NumbersLikeTheHost) {
  EXPECT_LIKE_HOST("%d %d %d", 0, INT_MAX, INT_MIN);
  EXPECT_LIKE_HOST("%ld %ld", LONG_MAX, LONG_MIN);
  EXPECT_LIKE_HOST("%u %lu", UINT_MAX, ULONG_MAX);
  EXPECT_LIKE_HOST("%x %lx", 0xdeadbeefu, 0xffff800000000000ul);
  EXPECT_LIKE_HOST("%zu %i", sizeof(int), -7);
  EXPECT_LIKE_HOST("[%8d] [%-8d] [%08d] [%08d]", 42, 42, 42, -42);
  EXPECT_LIKE_HOST("[%016lx] [%2lx]", 0x1234ul, 0x12345ul);
}

TEST(Format, TextLikeTheHost) {
  EXPECT_LIKE_HOST("%s|%10s|%-10s|%.3s", "abc", "abc", "abc", "abcdef");
  EXPECT_LIKE_HOST("%.*s|%.*s|%d", 2, "abc", -1, "abc", 7);
  EXPECT_LIKE_HOST("%c%c %%", 'a', 'b');
  EXPECT_LIKE_HOST("%p", reinterpret_cast<void*>(0x1000));
}

TEST(Format, APrecisionBoundsWhatIsRead) {
  const char unterminated[3] = {'a', 'b', 'c'};
  char text[16];
  EXPECT_EQ(2u, format_text(text, sizeof(text), "%.2s", unterminated));
  EXPECT_STREQ("ab", text);
}

TEST(Format, CutsAtTheBuffersEnd) {
  char text[5] = "xxxx";
  EXPECT_EQ(4u, format_text(text, sizeof(text), "%s", "abcdefgh"));
  EXPECT_STREQ("abcd", text);
  EXPECT_EQ(0u, format_text(text, 1, "%d", 12345));
  EXPECT_STREQ("", text);
  text[0] = 'q';
  EXPECT_EQ(0u, format_text(text, 0, "abc"));
  EXPECT_EQ('q', text[0]);
}

// Through a pointer, so that the compiler does not judge the format.
TEST(Format, CopiesWhatItDoesNotKnow) {
  char text[32];
  const char* unknown = "%y %";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  format_text(text, sizeof(text), unknown);
#pragma GCC diagnostic pop
  EXPECT_STREQ("%y %", text);
}

TEST(Format, ANullStringIsNamed) {
  char text[32];
  const char* volatile null = nullptr;  // so that the compiler does not warn
  format_text(text, sizeof(text), "%s", null);
  EXPECT_STREQ("(null)", text);
}

}  // namespace
}  // namespace kernel
