// The nested bed, end to end: each test boots the emulated machine and runs this very executable
// inside.
#include "nested/nested.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "inner_program.h"
#include "kvm/unique_fd.h"
#include "nested/bed.h"
#include "nested/host_file.h"

namespace vmm {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// Children of this process, by way of /proc.
std::string children() {
  return read_host_file(absl::StrCat("/proc/self/task/", gettid(), "/children")).value_or("?");
}

class Nested : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto bed = find_bed(default_bed_directory()); !bed.ok()) {
      GTEST_SKIP() << bed.status().message();
    }
    std::string pattern = ::testing::TempDir() + "nested_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    open_pipe(output_, options_.output_fd);
    errors_ = open(path("stderr").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    options_.error_fd = errors_;
  }

  void TearDown() override {
    if (directory_.empty()) return;
    EXPECT_EQ(children(), "") << "a process was leaked";
    if (options_.output_fd >= 0) close(options_.output_fd);
    close(errors_);
    std::filesystem::remove_all(directory_);
  }

  std::string path(const std::string& name) const { return directory_ + "/" + name; }

  static void write_file(const std::string& path, const std::string& content) {
    ASSERT_TRUE((std::ofstream(path, std::ios::binary) << content).flush());
  }

  absl::StatusOr<int> run(std::vector<std::string> task, const NestedFiles& files = {}) {
    task.insert(task.begin(), kInnerMark);
    return run_nested(options_, task, files);
  }

  // Everything that the inner program said on standard output, once run() is back.
  std::string output() {
    if (options_.output_fd >= 0) close(std::exchange(options_.output_fd, -1));
    return read_host_file(absl::StrCat("/proc/self/fd/", output_.get())).value();
  }
  std::string errors() const { return read_host_file(path("stderr")).value(); }

  static void open_pipe(UniqueFd& read_end, int& write_end) {
    std::array<int, 2> pair;
    ASSERT_EQ(pipe2(pair.data(), O_CLOEXEC), 0);
    read_end = UniqueFd(pair[0]);
    write_end = pair[1];
  }

  NestedOptions options_;
  UniqueFd output_;
  int errors_ = -1;
  std::string directory_;
};

// Arguments, files, both outputs and the exit status arrive unchanged, and KVM is there.
TEST_F(Nested, PassesEverythingThrough) {
  write_file(path("in put"), every_byte());
  const std::vector<std::string> words = {"it's", "$HOME `id`", "", "line\nbreak", "--flag=*"};
  std::vector<std::string> task = {"describe", path("in put"), path("output")};
  task.insert(task.end(), words.begin(), words.end());
  const auto status = run(task, {.inputs = {path("in put")}, .outputs = {path("output")}});
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(*status, 42) << errors();
  EXPECT_EQ(output(), every_byte());
  EXPECT_EQ(errors(), "[it's][$HOME `id`][][line\nbreak][--flag=*]");
  EXPECT_EQ(read_host_file(path("output")).value(),
            absl::StrCat("kvm 12\nnpt Y\ncpus 1\ninput ", every_byte()));
}

// The same with shadow paging and two processors, and with file names relative to where we are.
TEST_F(Nested, ObeysItsOptions) {
  options_.npt = false;
  options_.cpus = 2;
  write_file(path("input"), "i");
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(directory_);
  const auto status =
      run({"describe", "input", "output"}, {.inputs = {"input"}, .outputs = {"output"}});
  std::filesystem::current_path(before);
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(*status, 42) << errors();
  EXPECT_EQ(read_host_file(path("output")).value(), "kvm 12\nnpt N\ncpus 2\ninput i");
}

TEST_F(Nested, ReportsASignalAsTheShellDoes) {
  const auto status = run({"crash"}, {.outputs = {path("output")}});
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(*status, 128 + SIGABRT);
  EXPECT_FALSE(std::filesystem::exists(path("output")));
}

// A reader slower than the writer loses nothing.
TEST_F(Nested, LosesNothingOfMuchOutput) {
  constexpr size_t kSize = 4 << 20;
  size_t received = 0;
  std::thread reader([&] {
    std::array<char, 4096> chunk;
    ssize_t size = 0;
    while ((size = read(output_.get(), chunk.data(), chunk.size())) > 0) {
      received += static_cast<size_t>(size);
    }
  });
  const auto status = run({"flood", absl::StrCat(kSize)});
  close(std::exchange(options_.output_fd, -1));
  reader.join();
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(*status, 0);
  EXPECT_EQ(received, kSize);
}

TEST_F(Nested, EndsAtTheTimeOut) {
  options_.timeout = 8s;
  const auto status = run({"sleep"});
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(*status, 124);
  // It was asked politely.
  EXPECT_EQ(output(), "ready\ninterrupted\n");
}

// run_nested in a process of its own, to be hit by signals. Its children's fates are seen by pid.
class NestedInChild : public Nested {
 protected:
  void start(const std::string& task) { start(std::vector<std::string>{task}); }
  void start(const std::vector<std::string>& task) {
    child_ = fork();
    ASSERT_GE(child_, 0);
    if (child_ != 0) {
      close(std::exchange(options_.output_fd, -1));
      return;
    }
    const auto status = run(task);
    _exit(status.value_or(77));
  }
  void wait_until_ready() {
    std::string said;
    char byte;
    while (!said.ends_with("ready\n")) {
      ASSERT_EQ(read(output_.get(), &byte, 1), 1) << "it ended before it was ready";
      said.push_back(byte);
    }
  }
  int exit_status() {
    int status = 0;
    EXPECT_EQ(waitpid(child_, &status, 0), child_);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  // The emulator that the child has started.
  pid_t emulator() const {
    const auto text = read_host_file(absl::StrCat("/proc/", child_, "/task/", child_, "/children"));
    return text.ok() ? std::atoi(text->c_str()) : 0;
  }
  static bool ends_soon(pid_t pid) {
    for (int i = 0; i < 500; ++i) {
      const auto state = read_host_file(absl::StrCat("/proc/", pid, "/stat"));
      // An orphan that is not reaped here is dead all the same.
      if (!state.ok() || state->find(") Z ") != std::string::npos) return true;
      std::this_thread::sleep_for(20ms);
    }
    return false;
  }

  pid_t child_ = -1;
};

TEST_F(NestedInChild, HandsOnTheFirstInterrupt) {
  start("sleep");
  wait_until_ready();
  kill(child_, SIGINT);
  EXPECT_EQ(exit_status(), 130);
  EXPECT_EQ(output(), "interrupted\n");
}

TEST_F(NestedInChild, EndsAtTheSecondInterrupt) {
  start("stubborn");
  wait_until_ready();
  const pid_t qemu = emulator();
  ASSERT_GT(qemu, 0);
  kill(child_, SIGINT);
  std::this_thread::sleep_for(200ms);
  kill(child_, SIGINT);
  EXPECT_EQ(exit_status(), 130);
  EXPECT_TRUE(ends_soon(qemu));
}

TEST_F(NestedInChild, TakesTheEmulatorAlongWhenKilled) {
  start("sleep");
  wait_until_ready();
  const pid_t qemu = emulator();
  ASSERT_GT(qemu, 0);
  kill(child_, SIGKILL);
  EXPECT_EQ(exit_status(), -SIGKILL);
  EXPECT_TRUE(ends_soon(qemu));
}

// What QEMU keeps when the program has long ended, because nobody read, comes all the same; also if
// QEMU has no time when somebody begins to.
TEST_F(NestedInChild, WaitsForTheLastBytes) {
  // A little more than the pipe and the sockets on the way hold, with the usual sizes of Linux.
  constexpr size_t kSize = 384 << 10;
  start({"flood", absl::StrCat(kSize)});
  std::this_thread::sleep_for(12s);
  const pid_t qemu = emulator();
  ASSERT_GT(qemu, 0);
  kill(qemu, SIGSTOP);
  size_t received = 0;
  std::thread reader([&] { received = output().size(); });
  std::this_thread::sleep_for(1s);
  kill(qemu, SIGCONT);
  reader.join();
  EXPECT_EQ(exit_status(), 0);
  EXPECT_EQ(received, kSize);
}

TEST_F(NestedInChild, ReportsABrokenEmulator) {
  start("sleep");
  wait_until_ready();
  kill(emulator(), SIGKILL);
  EXPECT_EQ(exit_status(), 77);
}

TEST(NestedWithoutBed, SaysWhatPreparesIt) {
  NestedOptions options;
  options.bed_directory = "/nowhere";
  const auto status = run_nested(options, {}, {});
  EXPECT_EQ(status.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.status().message(), HasSubstr("scripts/nested-bed --directory=/nowhere"));
}

TEST_F(Nested, RefusesFilesBeforeItBoots) {
  EXPECT_EQ(run({"crash"}, {.inputs = {path("none")}}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(run({"crash"}, {.outputs = {path("none/output")}}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace vmm

int main(int argc, char** argv) {
  const std::span<char* const> arguments(argv, static_cast<size_t>(argc));
  if (argc > 1 && absl::string_view(argv[1]) == vmm::kInnerMark) {
    return vmm::run_inner_program(arguments.subspan(2));
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
