#include "nested/nested.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "absl/strings/str_cat.h"
#include "nested/bed.h"
#include "nested/cpio_archive.h"
#include "nested/emulator.h"
#include "nested/host_file.h"
#include "nested/init_script.h"
#include "nested/program_image.h"
#include "nested/program_stream.h"
#include "nested/session.h"
#include "stats/stats_output.h"

namespace vmm {
namespace {

// Blocks SIGINT and SIGTERM in this thread and makes them readable.
class StopSignals {
 public:
  StopSignals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, &before_);
    fd_ = UniqueFd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  int fd() const { return fd_.get(); }

 private:
  sigset_t before_;
  UniqueFd fd_;
};

std::string path_inside(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal();
}

absl::Status as_invalid_argument(const absl::Status& status) {
  return status.ok() ? status : absl::InvalidArgumentError(status.message());
}

absl::StatusOr<std::vector<OutputFile>> open_outputs(const std::vector<std::string>& paths) {
  std::vector<OutputFile> outputs;
  for (const std::string& path : paths) {
    absl::StatusOr<OutputFile> output = OutputFile::create(path);
    if (!output.ok()) return as_invalid_argument(output.status());
    outputs.push_back(*std::move(output));
  }
  return outputs;
}

// What this run adds to the base: program, libraries, input files, directories for the output, and
// the script that ties them together.
absl::StatusOr<std::string> make_overlay(const NestedOptions& options,
                                         std::span<const std::string> arguments,
                                         const NestedFiles& files, const std::string& end_mark) {
  CpioArchive archive;
  const absl::StatusOr<ProgramImage> image = read_running_program();
  if (!image.ok()) return image.status();
  InitScript script;
  script.npt = options.npt;
  script.end_mark = end_mark;
  script.search_path = image->search_path;
  script.working_directory = path_inside(".");
  script.arguments.assign(arguments.begin(), arguments.end());
  archive.add_directory(script.working_directory);
  archive.add_file(script.program, 0755, image->program);
  for (const std::string& library : image->libraries) {
    const absl::StatusOr<std::string> content = read_host_file(library);
    if (!content.ok()) return content.status();
    archive.add_file(library, 0755, *content);
  }
  for (const std::string& input : files.inputs) {
    const absl::StatusOr<std::string> content = read_host_file(input);
    if (!content.ok()) return as_invalid_argument(content.status());
    archive.add_file(path_inside(input), 0644, *content);
  }
  for (const std::string& output : files.outputs) {
    script.output_files.push_back(path_inside(output));
    archive.add_directory(std::filesystem::path(script.output_files.back()).parent_path().string());
  }
  archive.add_file("/init", 0755, script.text());
  return std::move(archive).finish();
}

// One boot, and what came of it.
struct Attempt {
  absl::StatusOr<int> status;
  bool booted = false;
  std::map<size_t, std::string> files = {};  // by index
};

Attempt try_once(const EmulatorConfig& config, const NestedOptions& options, size_t output_count,
                 const std::string& end_mark, int signal_fd) {
  absl::StatusOr<Emulator> emulator = Emulator::start(config);
  if (!emulator.ok()) return {.status = emulator.status()};
  Session session(*emulator, output_count, end_mark, options.output_fd, options.error_fd, signal_fd,
                  options.timeout);
  absl::StatusOr<int> status = session.run();
  return {std::move(status), session.booted(), session.files()};
}

}  // namespace

absl::StatusOr<int> run_nested(const NestedOptions& options, std::span<const std::string> arguments,
                               const NestedFiles& files) {
  const absl::StatusOr<Bed> bed =
      find_bed(options.bed_directory.empty() ? default_bed_directory() : options.bed_directory);
  if (!bed.ok()) return bed.status();
  absl::StatusOr<std::string> base = read_host_file(bed->base_ramdisk);
  if (!base.ok()) return base.status();
  const std::string end_mark = new_stream_mark();
  const absl::StatusOr<std::string> overlay = make_overlay(options, arguments, files, end_mark);
  if (!overlay.ok()) return overlay.status();
  absl::StatusOr<std::vector<OutputFile>> outputs = open_outputs(files.outputs);
  if (!outputs.ok()) return outputs.status();

  const StopSignals signals;
  if (signals.fd() < 0) return absl::ErrnoToStatus(errno, "signalfd");
  const EmulatorConfig config = {.qemu = bed->qemu,
                                 .kernel = bed->kernel,
                                 .ramdisk = absl::StrCat(*base, *overlay),
                                 .cpus = options.cpus,
                                 .memory_mib = options.memory_mib};
  Attempt attempt = try_once(config, options, files.outputs.size(), end_mark, signals.fd());
  // An overloaded host can starve an emulated kernel of its timers while it boots. Nothing of the
  // program has been seen by then, so another attempt is the same run.
  if (!attempt.status.ok() && !attempt.booted) {
    attempt = try_once(config, options, files.outputs.size(), end_mark, signals.fd());
  }
  for (const auto& [index, content] : attempt.files) {
    if (absl::Status written = (*outputs)[index].commit(content); !written.ok()) {
      return as_invalid_argument(written);
    }
  }
  return attempt.status;
}

}  // namespace vmm
