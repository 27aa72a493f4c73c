#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "stats/stats_output.h"

namespace vmm {
namespace {

namespace fs = std::filesystem;

std::string content_of(const fs::path& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class OutputFileTest : public testing::Test {
 protected:
  OutputFileTest() {
    std::string pattern = (fs::temp_directory_path() / "output_file_test.XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
  }
  ~OutputFileTest() override { fs::remove_all(directory_); }

  size_t file_count() const {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(directory_), fs::directory_iterator()));
  }

  fs::path directory_;
};

TEST_F(OutputFileTest, AppearsWholeAtCommit) {
  const fs::path path = directory_ / "stats";
  auto file = OutputFile::create(path);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_FALSE(fs::exists(path));
  EXPECT_TRUE(file->commit("text\n").ok());
  EXPECT_EQ(content_of(path), "text\n");
  EXPECT_EQ(file_count(), 1u);
}

TEST_F(OutputFileTest, WithoutCommitNothingRemainsAndTheOldStays) {
  const fs::path path = directory_ / "stats";
  std::ofstream(path) << "old";
  {
    auto file = OutputFile::create(path);
    ASSERT_TRUE(file.ok());
    EXPECT_EQ(file_count(), 2u);
  }
  EXPECT_EQ(file_count(), 1u);
  EXPECT_EQ(content_of(path), "old");
}

TEST_F(OutputFileTest, ReplacesWhatALinkLeadsTo) {
  std::ofstream(directory_ / "real") << "old";
  fs::create_symlink("real", directory_ / "link");
  auto file = OutputFile::create(directory_ / "link");
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(file->commit("new").ok());
  EXPECT_TRUE(fs::is_symlink(directory_ / "link"));
  EXPECT_EQ(content_of(directory_ / "real"), "new");
}

TEST_F(OutputFileTest, KeepsThePermissionsOfTheOld) {
  const fs::path path = directory_ / "stats";
  std::ofstream(path) << "old";
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
  auto file = OutputFile::create(path);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(file->commit("new").ok());
  EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(OutputFileTest, PlacesThatCannotBeWrittenAreRefusedEarly) {
  EXPECT_FALSE(OutputFile::create(directory_).ok());
  EXPECT_FALSE(OutputFile::create(directory_ / "missing" / "stats").ok());
  EXPECT_EQ(file_count(), 0u);
}

TEST_F(OutputFileTest, DevicesAndPipesAreWrittenInPlace) {
  auto null = OutputFile::create("/dev/null");
  ASSERT_TRUE(null.ok());
  EXPECT_TRUE(null->commit("text").ok());
  struct stat status {};
  ASSERT_EQ(stat("/dev/null", &status), 0);
  EXPECT_TRUE(S_ISCHR(status.st_mode));
}

TEST_F(OutputFileTest, AFullDeviceIsAnError) {
  auto full = OutputFile::create("/dev/full");
  ASSERT_TRUE(full.ok());
  EXPECT_FALSE(full->commit("text").ok());
}

}  // namespace
}  // namespace vmm
