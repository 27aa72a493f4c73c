// Writes a "newc" cpio archive, the format of Linux's initial RAM disk. The kernel unpacks several
// of them one after the other, later files over earlier ones.
//
// Every directory on the way to a file is added first, and once. Owner is root, times are zero: the
// same content gives the same bytes. Names must not contain "." or ".." components.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include "absl/strings/string_view.h"

namespace vmm {

class CpioArchive {
 public:
  // `path` is absolute inside the RAM disk. The last of two directories or files of one path
  // counts.
  void add_directory(absl::string_view path);
  void add_file(absl::string_view path, unsigned permissions, absl::string_view content);

  // Ends the archive and hands it out. Padded to 512 bytes, so that another may follow it.
  std::string finish() &&;

 private:
  void add_parents(absl::string_view path);
  void append(absl::string_view name, uint32_t mode, absl::string_view content);
  void pad(size_t alignment);

  std::string bytes_;
  std::set<std::string> directories_;
  uint32_t next_inode_ = 1;
};

}  // namespace vmm
