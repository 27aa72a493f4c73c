#include "nested/cpio_archive.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"

namespace vmm {

// Member names have no leading slash: they are relative to the root of the RAM disk.
void CpioArchive::add_directory(absl::string_view path) {
  absl::string_view name = absl::StripPrefix(absl::StripSuffix(path, "/"), "/");
  if (name.empty() || directories_.contains(std::string(name))) return;
  add_parents(name);
  append(name, 0040755, {});
  directories_.insert(std::string(name));
}

void CpioArchive::add_file(absl::string_view path, unsigned permissions,
                           absl::string_view content) {
  absl::string_view name = absl::StripPrefix(path, "/");
  add_parents(name);
  append(name, 0100000 | permissions, content);
}

std::string CpioArchive::finish() && {
  append("TRAILER!!!", 0, {});
  pad(512);
  return std::move(bytes_);
}

void CpioArchive::add_parents(absl::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash != absl::string_view::npos) add_directory(path.substr(0, slash));
}

// [Linux Documentation/driver-api/early-userspace/buffer-format.rst]: thirteen fields of eight
// hexadecimal digits after the magic; header with name, and content, each padded to four bytes.
void CpioArchive::append(absl::string_view name, uint32_t mode, absl::string_view content) {
  const uint32_t links = (mode & 0170000) == 0040000 ? 2 : 1;
  absl::StrAppendFormat(&bytes_, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
                        next_inode_++, mode, /*uid*/ 0, /*gid*/ 0, links, /*mtime*/ 0,
                        content.size(), /*device*/ 0, 0, /*special device*/ 0, 0, name.size() + 1,
                        /*checksum*/ 0);
  absl::StrAppend(&bytes_, name);
  bytes_.push_back('\0');
  pad(4);
  absl::StrAppend(&bytes_, content);
  pad(4);
}

void CpioArchive::pad(size_t alignment) {
  bytes_.append((alignment - bytes_.size() % alignment) % alignment, '\0');
}

}  // namespace vmm
