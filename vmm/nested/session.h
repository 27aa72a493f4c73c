// One run in the bed, from boot to the inner program's exit status: moves its output, watches the
// clock, and hands on ^C.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include "absl/strings/string_view.h"

#include "absl/status/statusor.h"
#include "nested/control_channel.h"
#include "nested/emulator.h"
#include "nested/program_stream.h"

namespace vmm {

class Session {
 public:
  using Clock = std::chrono::steady_clock;

  // The descriptors are borrowed: where the inner program's output goes, and a signalfd.
  // end_mark: what the bed writes behind the program's outputs.
  Session(Emulator& emulator, size_t output_count, const std::string& end_mark, int output_fd,
          int error_fd, int signal_fd, std::optional<Clock::duration> timeout);

  // See run_nested.
  absl::StatusOr<int> run();
  // Whether the inner program was started.
  bool booted() const { return control_.started(); }
  // The output files by index; none if the bed was torn down before the program had ended.
  std::map<size_t, std::string> files() const;

 private:
  // Waits for one event or the nearest deadline. A status ends the session.
  absl::Status step();
  absl::Status take_control();
  absl::Status forward(int from, ProgramStream& stream, int to);
  // The program has ended, and all of its output is here.
  bool complete() const;
  absl::Status take_what_is_there();
  void take_log();
  void take_signal();
  // Asks the inner program to end; what the session gives if it does not.
  void stop_soon(absl::string_view signal, int status);
  absl::Status check_clock();
  absl::Status broken(absl::string_view what);

  Emulator& emulator_;
  ControlChannel control_;
  ProgramStream output_, errors_;
  const int output_fd_, error_fd_, signal_fd_;
  const std::optional<Clock::duration> timeout_;
  // What must have happened by then: boot, then the program's end, then, once it was asked to end,
  // its end indeed.
  std::optional<Clock::time_point> deadline_;
  enum class Phase { kBoot, kProgram, kStopping, kEnding } phase_ = Phase::kBoot;
  int stop_status_ = 0;
  bool torn_down_ = false;
  std::string log_;
};

}  // namespace vmm
