#include "nested/host_file.h"

#include <gmock/gmock.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>

namespace vmm {
namespace {

class HostFile : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "host_file_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  size_t file_count() const {
    const std::filesystem::directory_iterator begin(directory_);
    return static_cast<size_t>(std::distance(begin, std::filesystem::directory_iterator()));
  }

  std::string directory_;
};

TEST_F(HostFile, ReplacesAFileWhole) {
  const std::string long_content(200'000, 'x');
  ASSERT_TRUE(write_host_file(path("a"), long_content).ok());
  EXPECT_EQ(read_host_file(path("a")).value(), long_content);
  ASSERT_TRUE(write_host_file(path("a"), "short").ok());
  EXPECT_EQ(read_host_file(path("a")).value(), "short");
  EXPECT_EQ(file_count(), 1U);
}

TEST_F(HostFile, GivesAnOrdinaryFilesPermissions) {
  const mode_t before = umask(022);
  ASSERT_TRUE(write_host_file(path("a"), "").ok());
  umask(before);
  struct stat info;
  ASSERT_EQ(stat(path("a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0644U);
}

TEST_F(HostFile, WritesThroughADevice) {
  EXPECT_TRUE(check_writable("/dev/null").ok());
  EXPECT_TRUE(write_host_file("/dev/null", "gone").ok());
  EXPECT_FALSE(std::filesystem::is_regular_file("/dev/null"));
}

TEST_F(HostFile, RefusesWithoutATrace) {
  EXPECT_FALSE(check_writable(path("missing/a")).ok());
  EXPECT_FALSE(write_host_file(path("missing/a"), "x").ok());
  EXPECT_FALSE(check_writable(directory_).ok());
  EXPECT_FALSE(write_host_file(directory_, "x").ok());
  EXPECT_FALSE(read_host_file(path("missing")).ok());
  EXPECT_FALSE(read_host_file(directory_).ok());
  EXPECT_EQ(file_count(), 0U);
}

}  // namespace
}  // namespace vmm
