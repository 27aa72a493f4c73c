#include "cli/input_file.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace vmm {
namespace {

namespace fs = std::filesystem;

class InputFileTest : public testing::Test {
 protected:
  InputFileTest() {
    std::string pattern = (fs::temp_directory_path() / "input_file_test.XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
  }
  ~InputFileTest() override { fs::remove_all(directory_); }

  fs::path directory_;
};

TEST_F(InputFileTest, ReadsAllBytes) {
  std::ofstream(directory_ / "file", std::ios::binary) << std::string("a\0b\xff", 4);
  const auto bytes = read_input_file(directory_ / "file");
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  ASSERT_EQ(bytes->size(), 4u);
  EXPECT_EQ((*bytes)[3], std::byte{0xff});
}

TEST_F(InputFileTest, RefusesWhatIsNoFile) {
  ASSERT_EQ(mkfifo((directory_ / "pipe").c_str(), 0600), 0);
  for (const fs::path& path : {directory_ / "missing", directory_, directory_ / "pipe",
                               fs::path("/dev/zero"), fs::path("")}) {
    const auto bytes = read_input_file(path);
    ASSERT_FALSE(bytes.ok()) << path;
    EXPECT_TRUE(absl::IsInvalidArgument(bytes.status()));
    EXPECT_NE(bytes.status().message().find(path.string()), absl::string_view::npos);
  }
}

}  // namespace
}  // namespace vmm
