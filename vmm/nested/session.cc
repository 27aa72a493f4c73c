#include "nested/session.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <tuple>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "nested/write_all.h"

namespace vmm {
namespace {

using namespace std::chrono_literals;

// Emulation takes 3 s to boot on an idle core.
constexpr auto kBootTime = 180s;
// What an asked program may take to end.
constexpr auto kGrace = 10s;
// What the last bytes of an output may take from QEMU, behind the exit status.
constexpr auto kLastBytesTime = 60s;
constexpr int kTimedOut = 124;
constexpr int kInterrupted = 130;
constexpr size_t kKeptLog = 4096;

// Appends what is there; whether more can come.
absl::StatusOr<bool> read_some(int fd, std::string& to) {
  std::array<char, 65536> chunk;
  const ssize_t size = read(fd, chunk.data(), chunk.size());
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  // A socket that QEMU died on with our words unread gives this instead of end of file.
  if (size < 0 && errno == ECONNRESET) return false;
  if (size < 0) return absl::ErrnoToStatus(errno, "read from the nested bed");
  to.append(chunk.data(), static_cast<size_t>(size));
  return size != 0;
}

int poll_timeout(std::optional<Session::Clock::time_point> deadline) {
  if (!deadline.has_value()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Session::Clock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, 1'000'000));
}

}  // namespace

Session::Session(Emulator& emulator, size_t output_count, const std::string& end_mark,
                 int output_fd, int error_fd, int signal_fd, std::optional<Clock::duration> timeout)
    : emulator_(emulator),
      control_(output_count),
      output_(end_mark),
      errors_(end_mark),
      output_fd_(output_fd),
      error_fd_(error_fd),
      signal_fd_(signal_fd),
      timeout_(timeout),
      deadline_(Clock::now() + kBootTime) {}

absl::StatusOr<int> Session::run() {
  while (!complete() && !torn_down_) {
    if (absl::Status status = step(); !status.ok()) return status;
  }
  if (torn_down_) {
    if (absl::Status status = take_what_is_there(); !status.ok()) return status;
  }
  if (torn_down_ || stop_status_ == kTimedOut) return stop_status_;
  return *control_.exit_status();
}

std::map<size_t, std::string> Session::files() const {
  if (!control_.exit_status().has_value()) return {};
  return control_.files();
}

absl::Status Session::step() {
  std::array<pollfd, 5> events = {pollfd{emulator_.program_output(), POLLIN, 0},
                                  {emulator_.program_errors(), POLLIN, 0},
                                  {emulator_.control(), POLLIN, 0},
                                  {emulator_.log(), POLLIN, 0},
                                  {signal_fd_, POLLIN, 0}};
  if (poll(events.data(), events.size(), poll_timeout(deadline_)) < 0 && errno != EINTR) {
    return absl::ErrnoToStatus(errno, "poll");
  }
  if (events[3].revents != 0) take_log();
  if (events[4].revents != 0) take_signal();
  absl::Status status = check_clock();
  if (events[0].revents != 0)
    status.Update(forward(emulator_.program_output(), output_, output_fd_));
  if (events[1].revents != 0)
    status.Update(forward(emulator_.program_errors(), errors_, error_fd_));
  if (events[2].revents != 0 && status.ok()) status.Update(take_control());
  return status;
}

absl::Status Session::take_control() {
  std::string bytes;
  const absl::StatusOr<bool> open = read_some(emulator_.control(), bytes);
  if (!open.ok()) return open.status();
  if (absl::Status status = control_.feed(bytes); !status.ok()) return status;
  if (phase_ == Phase::kBoot && control_.started()) {
    phase_ = Phase::kProgram;
    deadline_ = timeout_.has_value() ? std::optional(Clock::now() + *timeout_) : std::nullopt;
  }
  if (phase_ != Phase::kEnding && control_.exit_status().has_value()) {
    phase_ = Phase::kEnding;
    deadline_ = Clock::now() + kLastBytesTime;
  }
  if (!*open && !complete()) {
    return broken(control_.started() ? "it broke down" : "it did not boot");
  }
  return absl::OkStatus();
}

// End of file is the control port's to report.
absl::Status Session::forward(int from, ProgramStream& stream, int to) {
  std::string bytes;
  const absl::StatusOr<bool> open = read_some(from, bytes);
  if (!open.ok()) return open.status();
  if (absl::Status status = write_all(to, stream.feed(bytes)); !status.ok()) {
    return absl::Status(status.code(),
                        absl::StrCat("output of the nested program: ", status.message()));
  }
  return absl::OkStatus();
}

bool Session::complete() const {
  return control_.exit_status().has_value() && output_.whole() && errors_.whole();
}

// Of a bed that is not waited for.
absl::Status Session::take_what_is_there() {
  for (const auto& [from, stream, to] :
       {std::tuple(emulator_.program_output(), &output_, output_fd_),
        std::tuple(emulator_.program_errors(), &errors_, error_fd_)}) {
    std::string bytes;
    size_t before = 0;
    do {
      before = bytes.size();
      const absl::StatusOr<bool> open = read_some(from, bytes);
      if (!open.ok()) return open.status();
    } while (bytes.size() != before);
    if (absl::Status status = write_all(to, stream->feed(bytes)); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// The log only explains: an end or error of it shows on the control port too.
void Session::take_log() {
  size_t before = 0;
  do {
    before = log_.size();
    if (!read_some(emulator_.log(), log_).value_or(false)) break;
  } while (log_.size() != before);
  if (log_.size() > kKeptLog) log_.erase(0, log_.size() - kKeptLog);
}

void Session::take_signal() {
  signalfd_siginfo info;
  if (read(signal_fd_, &info, sizeof info) != sizeof info) return;
  if (phase_ == Phase::kProgram) {
    stop_soon(info.ssi_signo == SIGTERM ? "TERM" : "INT", kInterrupted);
    return;
  }
  torn_down_ = true;
  if (stop_status_ == 0) stop_status_ = kInterrupted;
}

void Session::stop_soon(absl::string_view signal, int status) {
  stop_status_ = status;
  phase_ = Phase::kStopping;
  deadline_ = Clock::now() + kGrace;
  // If the bed no longer listens the deadline ends it.
  if (!write_all(emulator_.control(), absl::StrCat(signal, "\n")).ok()) torn_down_ = true;
}

absl::Status Session::check_clock() {
  if (!deadline_.has_value() || Clock::now() < *deadline_) return absl::OkStatus();
  switch (phase_) {
    case Phase::kBoot:
      return broken("it did not boot in time");
    case Phase::kProgram:
      stop_soon("INT", kTimedOut);
      break;
    case Phase::kStopping:
      torn_down_ = true;
      break;
    case Phase::kEnding:
      return broken("the end of the program's output did not come");
  }
  return absl::OkStatus();
}

absl::Status Session::broken(absl::string_view what) {
  take_log();
  std::string end;
  // QEMU opens with a list of what it does not emulate.
  for (const absl::string_view line : absl::StrSplit(log_, absl::ByAnyChar("\r\n"))) {
    if (line.empty() || absl::StrContains(line, "warning: TCG doesn't support")) continue;
    absl::StrAppend(&end, "\n  ", line);
  }
  return absl::UnavailableError(absl::StrCat("the nested bed is of no use: ", what,
                                             end.empty() ? "" : "; the end of its log:", end));
}

}  // namespace vmm
