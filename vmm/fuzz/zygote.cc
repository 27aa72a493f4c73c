#include "fuzz/zygote.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "fuzz/run_once.h"
#include "workload/workload.h"

namespace vmm::fuzz {
namespace {

// Room for any program. It is not run: it only has to be one.
std::vector<std::byte> placeholder() {
  std::vector<std::byte> program = *compile_workload("yield\n", "placeholder");
  program.resize(Zygote::kMostProgramBytes);
  return program;
}

struct Request {
  unsigned patience_seconds;
};

// In the zygote, where the workload would start. Comes back in a copy only.
std::span<const std::byte> serve(int channel, const RunArea& area, ZygotePolicy* policy) {
  for (;;) {
    Request request{};
    if (read(channel, &request, sizeof(request)) != ssize_t{sizeof(request)}) _exit(0);
    const pid_t copy = fork();
    if (copy == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      alarm(request.patience_seconds);
      if (policy != nullptr) policy->begin();
      return area.program();
    }
    int wait_status = SIGKILL;
    while (copy > 0 && waitpid(copy, &wait_status, 0) < 0 && errno == EINTR) {
    }
    if (write(channel, &wait_status, sizeof(wait_status)) != ssize_t{sizeof(wait_status)}) {
      _exit(0);
    }
  }
}

[[noreturn]] void be_zygote(const RunPoint& point, const GuestMachine& guest, int channel,
                            RunArea& area, ZygotePolicy* policy, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_DFL);
  run_once(
      point, guest, placeholder(),
      [channel, &area, policy] { return serve(channel, area, policy); }, area, policy);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Zygote>> Zygote::create(const RunPoint& point,
                                                       const GuestMachine& guest,
                                                       ZygotePolicy* policy) {
  auto area = RunArea::create();
  if (!area.ok()) return area.status();
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return absl::ErrnoToStatus(errno, "socketpair for runs");
  }
  UniqueFd here(ends[0]), there(ends[1]);
  const pid_t parent = getpid();
  const pid_t process = fork();
  if (process < 0) return absl::ErrnoToStatus(errno, "fork of a process for runs");
  if (process == 0) {
    here = UniqueFd();
    be_zygote(point, guest, there.get(), *area, policy, parent);
  }
  return std::unique_ptr<Zygote>(new Zygote(*std::move(area), std::move(here), process));
}

Zygote::~Zygote() {
  if (process_ == 0) return;
  channel_ = UniqueFd();  // it ends when it reads the end
  kill(process_, SIGKILL);
  while (waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

// The zygote itself has ended, or does not answer: the guest did not get to its workload.
RunReport Zygote::report_of_end() {
  kill(process_, SIGKILL);
  int wait_status = 0;
  while (waitpid(process_, &wait_status, 0) < 0 && errno == EINTR) {
  }
  process_ = 0;
  RunReport report;
  return area_.take_report(report) ? report : report_of_death(wait_status);
}

RunReport Zygote::run(std::span<const std::byte> program, unsigned patience_seconds) {
  if (process_ == 0) return RunReport::no_start("the guest did not boot");
  area_.put_program(program);
  const Request request{patience_seconds};
  int wait_status = 0;
  // Sending to one that has ended must not end this process.
  if (send(channel_.get(), &request, sizeof(request), MSG_NOSIGNAL) != ssize_t{sizeof(request)}) {
    return report_of_end();
  }
  pollfd answer{.fd = channel_.get(), .events = POLLIN, .revents = 0};
  const int patience = static_cast<int>(2 * patience_seconds) * 1000;
  int ready = 0;
  while ((ready = poll(&answer, 1, patience)) < 0 && errno == EINTR) {
  }
  ssize_t bytes = -1;
  while (ready > 0 && (bytes = read(channel_.get(), &wait_status, sizeof(wait_status))) < 0 &&
         errno == EINTR) {
  }
  if (bytes != ssize_t{sizeof(wait_status)}) return report_of_end();
  RunReport report;
  return wait_status == 0 && area_.take_report(report) ? report : report_of_death(wait_status);
}

}  // namespace vmm::fuzz
