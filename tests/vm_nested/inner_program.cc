#include "inner_program.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include "absl/strings/string_view.h"

#include "absl/strings/str_cat.h"
#include "kvm/unique_fd.h"
#include "nested/host_file.h"
#include "nested/write_all.h"

namespace vmm {
namespace {

int fail(absl::string_view why) {
  std::fprintf(stderr, "inner program: %.*s\n", static_cast<int>(why.size()), why.data());
  return 99;
}

int describe(std::span<char* const> arguments) {
  if (arguments.size() < 2) return fail("describe INPUT OUTPUT WORD...");
  const UniqueFd kvm(open("/dev/kvm", O_RDWR | O_CLOEXEC));
  if (!kvm.valid()) return fail("cannot open /dev/kvm");
  const UniqueFd vm(ioctl(kvm.get(), KVM_CREATE_VM, 0));
  if (!vm.valid()) return fail("cannot create a virtual machine");
  const auto npt = read_host_file("/sys/module/kvm_amd/parameters/npt");
  const auto input = read_host_file(arguments[0]);
  if (!npt.ok() || !input.ok()) return fail("cannot read a file");
  const std::string report =
      absl::StrCat("kvm ", ioctl(kvm.get(), KVM_GET_API_VERSION, 0), "\nnpt ", npt->substr(0, 1),
                   "\ncpus ", sysconf(_SC_NPROCESSORS_ONLN), "\ninput ", *input);
  std::ofstream output(arguments[1], std::ios::binary);
  if (!(output << report).flush()) return fail("cannot write the output");
  for (const char* word : arguments.subspan(2)) std::fprintf(stderr, "[%s]", word);
  if (!write_all(STDOUT_FILENO, every_byte()).ok()) return fail("cannot write");
  return 42;
}

void say_and_exit(int) {
  constexpr absl::string_view kText = "interrupted\n";
  if (write(STDOUT_FILENO, kText.data(), kText.size()) < 0) _exit(99);
  _exit(130);
}

int sleep_for_long(bool stubborn) {
  signal(SIGINT, stubborn ? SIG_IGN : say_and_exit);
  signal(SIGTERM, stubborn ? SIG_IGN : say_and_exit);
  if (!write_all(STDOUT_FILENO, "ready\n").ok()) return fail("cannot write");
  sleep(300);
  return fail("was not ended");
}

int flood(size_t size) {
  return write_all(STDOUT_FILENO, std::string(size, 'x')).ok() ? 0 : fail("cannot write");
}

}  // namespace

std::string every_byte() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  return bytes;
}

int run_inner_program(std::span<char* const> arguments) {
  if (arguments.empty()) return fail("no task");
  const absl::string_view task = arguments[0];
  if (task == "describe") return describe(arguments.subspan(1));
  if (task == "sleep") return sleep_for_long(false);
  if (task == "stubborn") return sleep_for_long(true);
  if (task == "crash") std::abort();
  if (task == "flood" && arguments.size() == 2) {
    return flood(static_cast<size_t>(std::atoll(arguments[1])));
  }
  return fail("unknown task");
}

}  // namespace vmm
