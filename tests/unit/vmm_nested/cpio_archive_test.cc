#include "nested/cpio_archive.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <vector>

namespace vmm {
namespace {

struct Member {
  std::string name;
  unsigned long mode = 0;
  std::string content;
  bool operator==(const Member&) const = default;
};

// A reader of its own, so that writer and reader cannot share a mistake.
std::vector<Member> read_archive(const std::string& bytes) {
  std::vector<Member> members;
  size_t at = 0;
  for (;;) {
    if (bytes.compare(at, 6, "070701") != 0) {
      ADD_FAILURE() << "no header at " << at;
      return members;
    }
    const auto field = [&](size_t number) {
      return std::strtoul(bytes.substr(at + 6 + 8 * number, 8).c_str(), nullptr, 16);
    };
    const size_t name_at = at + 110;
    const size_t name_size = field(11);
    const size_t content_at = (name_at + name_size + 3) & ~size_t{3};
    const std::string name = bytes.substr(name_at, name_size - 1);
    EXPECT_EQ(bytes.at(name_at + name_size - 1), '\0');
    if (name == "TRAILER!!!") return members;
    members.push_back({name, field(1), bytes.substr(content_at, field(6))});
    at = (content_at + field(6) + 3) & ~size_t{3};
  }
}

TEST(CpioArchive, HoldsFilesAndTheWayToThemOnce) {
  CpioArchive archive;
  archive.add_file("/a/b/one", 0755, "1");
  archive.add_file("/a/b/two", 0644, std::string("\0\n", 2));
  archive.add_directory("/a/c/");
  archive.add_directory("/a/c");
  archive.add_directory("/");
  archive.add_file("/three", 0600, "");
  const std::string bytes = std::move(archive).finish();
  EXPECT_EQ(bytes.size() % 512, 0U);
  const std::vector<Member> expected = {
      {"a", 0040755, ""},        {"a/b", 0040755, ""},
      {"a/b/one", 0100755, "1"}, {"a/b/two", 0100644, std::string("\0\n", 2)},
      {"a/c", 0040755, ""},      {"three", 0100600, ""}};
  EXPECT_EQ(read_archive(bytes), expected);
}

TEST(CpioArchive, IsNeverEmpty) {
  const std::string bytes = CpioArchive().finish();
  EXPECT_EQ(bytes.size(), 512U);
  EXPECT_TRUE(read_archive(bytes).empty());
}

}  // namespace
}  // namespace vmm
