#include "fuzz/session.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "kvm/unique_fd.h"

namespace vmm::fuzz {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kCannot = 3;
constexpr size_t kLongestPacket = size_t{1} << 18;
constexpr int kLookEveryMilliseconds = 200;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

class Session {
 public:
  Session(const SessionOptions& options, const GuestMachine& guest, const SessionCalls& calls,
          Board& board)
      : options_(options), guest_(guest), calls_(calls), board_(board) {}

  absl::Status start(const std::vector<CorpusEntry>& corpus) {
    int ends[2];
    // In packets, so that what several workers say does not mix.
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
      return absl::ErrnoToStatus(errno, "socketpair for failures");
    }
    reading_ = UniqueFd(ends[0]);
    UniqueFd writing(ends[1]);
    const pid_t parent = getpid();
    for (unsigned i = 0; i < options_.jobs; ++i) {
      const pid_t child = fork();
      if (child < 0) return absl::ErrnoToStatus(errno, "fork of a worker");
      if (child == 0) be_worker(i, corpus, writing.get(), parent);
      workers_.push_back(child);
    }
    return absl::OkStatus();
  }

  // Reads what the workers find until all of them have ended.
  void watch(SessionResult& result) {
    std::string bytes;
    std::vector<char> part(kLongestPacket);
    for (;;) {
      pollfd pipe{.fd = reading_.get(), .events = POLLIN, .revents = 0};
      const int ready = poll(&pipe, 1, kLookEveryMilliseconds);
      if (calls_.interrupted()) {
        result.interrupted = true;
        board_.stop = true;
      }
      if (options_.seconds && seconds_since(start_) >= *options_.seconds) board_.stop = true;
      result.totals = totals();
      calls_.progress(result.totals);
      if (ready <= 0) continue;
      const ssize_t count = read(reading_.get(), part.data(), part.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) break;
      bytes.append(part.data(), static_cast<size_t>(count));
      while (std::optional<Failure> failure = decode_failure(bytes)) {
        calls_.found(*failure);
        result.failures.push_back(*std::move(failure));
        if (result.failures.size() >= options_.failures) board_.stop = true;
      }
    }
    result.totals = totals();
  }

  absl::Status wait_for_workers() {
    absl::Status status;
    for (const pid_t worker : workers_) {
      int wait_status = 0;
      while (waitpid(worker, &wait_status, 0) < 0 && errno == EINTR) {
      }
      if (wait_status != 0 && status.ok()) {
        status = absl::InternalError(
            WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == kCannot
                ? "a worker could not go on"
                : absl::StrCat("a worker ended with wait status ", wait_status));
      }
    }
    return status;
  }

 private:
  [[noreturn]] void be_worker(unsigned number, const std::vector<CorpusEntry>& corpus, int failures,
                              pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(0);
    // ^C reaches all processes of the terminal; the session says when to stop.
    signal(SIGINT, SIG_IGN);
    const absl::Status status = Worker(number, options_, guest_, board_, failures).run(corpus);
    if (!status.ok()) {
      std::fprintf(stderr, "pvmmu: %s\n", std::string(status.message()).c_str());
    }
    _exit(status.ok() ? 0 : kCannot);
  }

  SessionTotals totals() const {
    SessionTotals sum;
    for (unsigned i = 0; i < options_.jobs; ++i) {
      const Tally& tally = board_.tallies[i];
      sum.workloads += tally.workloads;
      sum.runs += tally.runs;
      sum.statements += tally.statements;
      sum.replayed += tally.replayed;
      sum.shrink_runs += tally.shrink_runs;
      for (size_t at = 0; at < kMostCovered; ++at) sum.covered[at] += tally.covered[at];
    }
    sum.seconds = seconds_since(start_);
    return sum;
  }

  const SessionOptions& options_;
  const GuestMachine& guest_;
  const SessionCalls& calls_;
  Board& board_;
  UniqueFd reading_;
  std::vector<pid_t> workers_;
  const Clock::time_point start_ = Clock::now();
};

}  // namespace

absl::StatusOr<SessionResult> run_session(const SessionOptions& options, const GuestMachine& guest,
                                          const SessionCalls& calls) {
  std::vector<CorpusEntry> corpus;
  if (!options.corpus.empty()) {
    auto read = read_corpus(options.corpus);
    if (!read.ok()) return read.status();
    corpus = *std::move(read);
  }
  const auto board = create_board();
  if (!board.ok()) return board.status();
  Session session(options, guest, calls, **board);
  if (const absl::Status status = session.start(corpus); !status.ok()) return status;
  SessionResult result;
  session.watch(result);
  if (const absl::Status status = session.wait_for_workers(); !status.ok()) return status;
  return result;
}

}  // namespace vmm::fuzz
