#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "stats/stats_output.h"

namespace vmm {
namespace {

absl::Status file_error(int error, const char* what, const std::string& path) {
  return absl::ErrnoToStatus(error, absl::StrCat("cannot ", what, " ", path));
}

absl::Status write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return file_error(errno, "write", path);
    text.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

// A symbolic link stays one: what it leads to is replaced.
std::string place_of(const std::string& path) {
  std::error_code error;
  const std::filesystem::path resolved = std::filesystem::weakly_canonical(path, error);
  return error ? path : resolved.string();
}

mode_t permissions_for_new_files() {
  const mode_t mask = umask(0);
  umask(mask);
  return static_cast<mode_t>(0666) & ~mask;
}

}  // namespace

absl::StatusOr<OutputFile> OutputFile::create(const std::string& path) {
  const std::string place = place_of(path);
  struct stat status {};
  const bool exists = stat(place.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) return file_error(EISDIR, "write", path);
  if (exists && !S_ISREG(status.st_mode)) {
    const int fd = open(place.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return file_error(errno, "write", path);
    return OutputFile(fd, path, "");
  }
  std::string temporary = place + ".XXXXXX";
  const int fd = mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return file_error(errno, "write", path);
  OutputFile file(fd, place, temporary);
  const mode_t mode = exists ? status.st_mode & 07777 : permissions_for_new_files();
  if (fchmod(fd, mode) != 0) return file_error(errno, "write", path);
  return file;
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, std::string())) {}

OutputFile::~OutputFile() {
  if (fd_ >= 0) close(fd_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

absl::Status OutputFile::append(std::string_view text) {
  return write_all(fd_, text, path_);
}

absl::Status OutputFile::commit(std::string_view text) {
  if (const absl::Status status = append(text); !status.ok()) return status;
  // Delayed errors of the file system come out here, before the name is given.
  if (close(std::exchange(fd_, -1)) != 0) return file_error(errno, "write", path_);
  if (temporary_.empty()) return absl::OkStatus();
  if (rename(temporary_.c_str(), path_.c_str()) != 0) return file_error(errno, "write", path_);
  temporary_.clear();
  return absl::OkStatus();
}

}  // namespace vmm
