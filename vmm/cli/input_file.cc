#include "cli/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "kvm/unique_fd.h"

namespace vmm {
namespace {

constexpr off_t kLargestFile = off_t{256} << 20;

absl::Status unusable(const std::string& path, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("cannot read ", path, ": ", why));
}

}  // namespace

absl::StatusOr<std::vector<std::byte>> read_input_file(const std::string& path) {
  // O_NONBLOCK: opening a pipe without a writer must not wait; it is refused below.
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) return unusable(path, std::strerror(errno));
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) return unusable(path, std::strerror(errno));
  if (S_ISDIR(status.st_mode)) return unusable(path, "it is a directory");
  if (!S_ISREG(status.st_mode)) return unusable(path, "it is no regular file");
  if (status.st_size > kLargestFile) return unusable(path, "it is larger than 256 MiB");
  std::vector<std::byte> bytes(static_cast<size_t>(status.st_size));
  size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t count = read(fd.get(), bytes.data() + filled, bytes.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return unusable(path, std::strerror(errno));
    if (count == 0) return unusable(path, "it became shorter while being read");
    filled += static_cast<size_t>(count);
  }
  return bytes;
}

}  // namespace vmm
