#include "nested/host_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "kvm/unique_fd.h"
#include "nested/write_all.h"

namespace vmm {
namespace {

absl::Status file_error(int error, absl::string_view what, const std::string& path) {
  return absl::ErrnoToStatus(error, absl::StrCat("cannot ", what, " ", path));
}

std::string directory_of(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path();
  return parent.empty() ? "." : parent;
}

bool is_replaceable(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) != 0 || S_ISREG(info.st_mode);
}

mode_t creation_mode() {
  const mode_t mask = umask(0);
  umask(mask);
  return 0666 & ~mask;
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

absl::Status check_writable(const std::string& path) {
  const std::string target = is_replaceable(path) ? directory_of(path) : path;
  if (access(target.c_str(), W_OK) != 0) return file_error(errno, "write", path);
  if (std::filesystem::is_directory(path)) return file_error(EISDIR, "write", path);
  return absl::OkStatus();
}

absl::Status write_host_file(const std::string& path, absl::string_view content) {
  if (!is_replaceable(path)) {
    const UniqueFd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file.valid()) return file_error(errno, "open", path);
    return write_all(file.get(), content);
  }
  std::string temporary = absl::StrCat(path, ".XXXXXX");
  const UniqueFd file(mkostemp(temporary.data(), O_CLOEXEC));
  if (!file.valid()) return file_error(errno, "write", path);
  absl::Status status = write_all(file.get(), content);
  if (status.ok() && fchmod(file.get(), creation_mode()) != 0) {
    status = file_error(errno, "set permissions of", path);
  }
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0) {
    status = file_error(errno, "write", path);
  }
  if (!status.ok()) unlink(temporary.c_str());
  return status;
}

}  // namespace vmm
