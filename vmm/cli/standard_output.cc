#include "cli/standard_output.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace vmm {

void StandardOutput::write(std::string_view text) {
  while (!text.empty() && status_.ok()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) {  // somebody made it non-blocking
      pollfd wait = {.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
      poll(&wait, 1, -1);
      continue;
    }
    if (written < 0) {
      status_ = absl::ErrnoToStatus(errno, "cannot write standard output");
      return;
    }
    line_open_ = text[static_cast<size_t>(written) - 1] != '\n';
    text.remove_prefix(static_cast<size_t>(written));
  }
}

void StandardOutput::finish_line() {
  if (line_open_) write("\n");
}

}  // namespace vmm
