#include "nested/host_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "kvm/unique_fd.h"

namespace vmm {
namespace {

absl::Status file_error(int error, absl::string_view what, const std::string& path) {
  return absl::ErrnoToStatus(error, absl::StrCat("cannot ", what, " ", path));
}

}  // namespace

absl::StatusOr<std::string> read_host_file(const std::string& path) {
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return file_error(errno, "open", path);
  std::string content;
  struct stat info;
  if (fstat(file.get(), &info) == 0 && S_ISREG(info.st_mode)) {
    content.reserve(static_cast<size_t>(info.st_size));
  }
  char chunk[65536];
  for (;;) {
    const ssize_t size = read(file.get(), chunk, sizeof chunk);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return file_error(errno, "read", path);
    if (size == 0) return content;
    content.append(chunk, static_cast<size_t>(size));
  }
}

}  // namespace vmm
