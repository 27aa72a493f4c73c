#include "nested/emulator.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "nested/write_all.h"

namespace vmm {
namespace {

// Descriptors as QEMU finds them, after standard input, output and error.
constexpr int kOutputFd = 3;
constexpr int kErrorsFd = 4;
constexpr int kControlFd = 5;
constexpr int kRamdiskFd = 6;
constexpr int kFirstUnusedFd = 7;

absl::Status system_error(absl::string_view what) {
  return absl::ErrnoToStatus(errno, what);
}

void add_port(std::vector<std::string>& arguments, absl::string_view name, int fd, int number) {
  arguments.insert(arguments.end(),
                   {"-chardev", absl::StrCat("socket,id=", name, ",fd=", fd), "-device",
                    absl::StrCat("virtserialport,chardev=", name, ",nr=", number)});
}

// The kernel's parameters leave out what costs boot time and protects nothing here, and checks of
// timers that fail when the host is overloaded; an oops ends the machine instead of leaving it half
// alive.
std::vector<std::string> qemu_arguments(const EmulatorConfig& config) {
  std::vector<std::string> arguments = {
      config.qemu,
      "-nodefaults",
      "-no-user-config",
      "-display",
      "none",
      "-no-reboot",
      "-machine",
      "q35,accel=tcg",
      "-cpu",
      "EPYC,+svm",
      "-smp",
      absl::StrCat(config.cpus),
      "-m",
      absl::StrCat(config.memory_mib),
      "-kernel",
      config.kernel,
      "-initrd",
      absl::StrCat("/proc/self/fd/", kRamdiskFd),
      "-append",
      "console=ttyS0 quiet panic=-1 oops=panic nokaslr mitigations=off nowatchdog "
      "no_timer_check tsc=reliable",
      "-chardev",
      "file,id=log,path=/proc/self/fd/1",
      "-serial",
      "chardev:log",
      "-device",
      "virtio-serial-pci,max_ports=4"};
  add_port(arguments, "output", kOutputFd, 1);
  add_port(arguments, "errors", kErrorsFd, 2);
  add_port(arguments, "control", kControlFd, 3);
  return arguments;
}

// A connected pair: ours (non-blocking) and QEMU's.
absl::Status make_pair(UniqueFd& ours, UniqueFd& theirs) {
  std::array<int, 2> pair;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    return system_error("socketpair");
  }
  ours = UniqueFd(pair[0]);
  theirs = UniqueFd(pair[1]);
  if (fcntl(ours.get(), F_SETFL, O_NONBLOCK) != 0) return system_error("fcntl");
  return absl::OkStatus();
}

absl::Status make_log_pipe(UniqueFd& ours, UniqueFd& theirs) {
  std::array<int, 2> pair;
  if (pipe2(pair.data(), O_CLOEXEC) != 0) return system_error("pipe2");
  ours = UniqueFd(pair[0]);
  theirs = UniqueFd(pair[1]);
  if (fcntl(ours.get(), F_SETFL, O_NONBLOCK) != 0) return system_error("fcntl");
  return absl::OkStatus();
}

// A file without a name: nothing is left behind however this ends.
absl::StatusOr<UniqueFd> make_nameless_file(absl::string_view content) {
  UniqueFd file(memfd_create("pvmmu-ramdisk", MFD_CLOEXEC));
  if (!file.valid()) return system_error("memfd_create");
  if (absl::Status status = write_all(file.get(), content); !status.ok()) return status;
  return file;
}

// The child's side of fork. Only calls that are safe there: no allocation, no locks. `sources[i]`
// becomes descriptor i.
[[noreturn]] void become_qemu(std::array<int, kFirstUnusedFd> sources, char* const* argv,
                              pid_t parent) {
  // Dies with the parent; if the parent was faster, it is no longer our parent.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) _exit(127);
  setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  // First out of the way of the target numbers, then onto them.
  for (int& source : sources) {
    source = fcntl(source, F_DUPFD, 64);
    if (source < 0) _exit(127);
  }
  for (int i = 0; i < kFirstUnusedFd; ++i) {
    if (dup2(sources[static_cast<size_t>(i)], i) < 0) _exit(127);
  }
  close_range(kFirstUnusedFd, ~0U, 0);
  execv(argv[0], argv);
  _exit(127);
}

}  // namespace

absl::StatusOr<Emulator> Emulator::start(const EmulatorConfig& config) {
  Emulator emulator;
  UniqueFd output, errors, control, log;
  for (const absl::Status& status :
       {make_pair(emulator.program_output_, output), make_pair(emulator.program_errors_, errors),
        make_pair(emulator.control_, control), make_log_pipe(emulator.log_, log)}) {
    if (!status.ok()) return status;
  }
  absl::StatusOr<UniqueFd> ramdisk = make_nameless_file(config.ramdisk);
  if (!ramdisk.ok()) return ramdisk.status();
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null.valid()) return system_error("open /dev/null");

  std::vector<std::string> arguments = qemu_arguments(config);
  std::vector<char*> argv(arguments.size() + 1, nullptr);
  for (size_t i = 0; i < arguments.size(); ++i) argv[i] = arguments[i].data();
  // posix_spawn cannot ask for the death signal.
  const pid_t parent = getpid();
  emulator.pid_ = fork();
  if (emulator.pid_ < 0) return system_error("fork");
  if (emulator.pid_ == 0) {
    become_qemu({null.get(), log.get(), log.get(), output.get(), errors.get(), control.get(),
                 ramdisk->get()},
                argv.data(), parent);
  }
  return emulator;
}

Emulator::Emulator(Emulator&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      program_output_(std::move(other.program_output_)),
      program_errors_(std::move(other.program_errors_)),
      control_(std::move(other.control_)),
      log_(std::move(other.log_)) {}

Emulator::~Emulator() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace vmm
