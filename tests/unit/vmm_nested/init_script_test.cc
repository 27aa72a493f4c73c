#include "nested/init_script.h"

#include <gmock/gmock.h>
#include <stdio.h>

#include <array>

#include "absl/strings/str_cat.h"

namespace vmm {
namespace {

using ::testing::HasSubstr;

// What /bin/sh makes of a quoted word.
std::string through_shell(const std::string& word) {
  FILE* pipe = popen(absl::StrCat("printf %s ", quote_for_shell(word)).c_str(), "r");
  if (pipe == nullptr) return "popen failed";
  std::array<char, 256> buffer;
  const size_t size = fread(buffer.data(), 1, buffer.size(), pipe);
  pclose(pipe);
  return std::string(buffer.data(), size);
}

TEST(QuoteForShell, SurvivesTheShell) {
  for (const std::string word : {"plain", "", "two words", "it's", "'", "''", "\"$HOME\" `id` \\",
                                 "line\nbreak", "*", "-n", "\xc3\xa9", "#", "~"}) {
    EXPECT_EQ(through_shell(word), word);
  }
}

TEST(InitScript, CarriesItsSettings) {
  const InitScript script = {.program = "/pvmmu",
                             .search_path = "/lib:/usr/lib",
                             .working_directory = "/home/it's me",
                             .arguments = {"run", "a b"},
                             .output_files = {"/out put"},
                             .end_mark = "~the mark",
                             .npt = false};
  const std::string text = script.text();
  EXPECT_THAT(text, HasSubstr("npt=0\n"));
  EXPECT_THAT(text, HasSubstr("cd '/home/it'\\''s me'\n"));
  EXPECT_THAT(text, HasSubstr("LD_LIBRARY_PATH='/lib:/usr/lib'"));
  EXPECT_THAT(text, HasSubstr("'/pvmmu' 'run' 'a b' "));
  EXPECT_THAT(text, HasSubstr("send_file 0 '/out put'\n"));
  EXPECT_THAT(text, HasSubstr("echo -n '~the mark' >&4\necho -n '~the mark' >&5\n"));
}

TEST(InitScript, TakesPagingByDefault) {
  EXPECT_THAT(InitScript().text(), HasSubstr("npt=1\n"));
}

}  // namespace
}  // namespace vmm
