// write() until everything is written.
#pragma once

#include <unistd.h>

#include <cerrno>
#include "absl/strings/string_view.h"

#include "absl/status/status.h"

namespace vmm {

inline absl::Status write_all(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = write(fd, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return absl::ErrnoToStatus(errno, "write");
    bytes.remove_prefix(static_cast<size_t>(size));
  }
  return absl::OkStatus();
}

}  // namespace vmm
