#include "cli/child_run.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "kvm/unique_fd.h"

namespace vmm {
namespace {

// In the child: only calls that are safe behind fork.
[[noreturn]] void become(char* const* arguments, int output, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() == parent && dup2(output, STDOUT_FILENO) >= 0) {
    execv("/proc/self/exe", arguments);
  }
  _exit(127);
}

absl::StatusOr<std::string> read_to_end(int fd) {
  std::string text;
  std::array<char, 65536> part;
  for (;;) {
    const ssize_t count = read(fd, part.data(), part.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return absl::ErrnoToStatus(errno, "cannot read from a run");
    if (count == 0) return text;
    text.append(part.data(), static_cast<size_t>(count));
  }
}

absl::StatusOr<int> wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return absl::ErrnoToStatus(errno, "cannot wait for a run");
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

absl::StatusOr<ChildResult> run_child(const Arguments& arguments) {
  Arguments copies = arguments;  // execv wants them writable
  copies.insert(copies.begin(), "pvmmu");
  std::vector<char*> pointers;
  for (std::string& copy : copies) pointers.push_back(copy.data());
  pointers.push_back(nullptr);

  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "cannot make a pipe");
  const UniqueFd reading(ends[0]);
  UniqueFd writing(ends[1]);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) return absl::ErrnoToStatus(errno, "cannot start a run");
  if (child == 0) become(pointers.data(), writing.get(), parent);
  writing = UniqueFd();  // the reader sees the end when the child's is closed
  absl::StatusOr<std::string> output = read_to_end(reading.get());
  const absl::StatusOr<int> status = wait_for(child);
  if (!output.ok()) return output.status();
  if (!status.ok()) return status.status();
  return ChildResult{.status = *status, .output = *std::move(output)};
}

}  // namespace vmm
