#include "cli/messages.h"

#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "cli/standard_output.h"

namespace vmm {

void say_lines(absl::string_view text) {
  // Nobody can be told that standard error is gone.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
}

void say(absl::string_view text) {
  say_lines(absl::StrCat("pvmmu: ", text, "\n"));
}

int host_cannot(const absl::Status& status) {
  say(status.message());
  return exit_code(ExitStatus::kHostCannot);
}

int cannot_write(const absl::Status& status) {
  say(status.message());
  return exit_code(ExitStatus::kUsage);
}

int print_help(absl::string_view text) {
  StandardOutput output;
  output.write({text.data(), text.size()});
  return output.status().ok() ? exit_code(ExitStatus::kSuccess) : cannot_write(output.status());
}

int usage_error(absl::string_view command, absl::string_view why) {
  say(absl::StrCat(command.empty() ? "" : absl::StrCat(command, ": "), why, " (see `pvmmu help",
                   command.empty() ? "" : " ", command, "`)"));
  return exit_code(ExitStatus::kUsage);
}

int fail(const absl::Status& status) {
  say(status.message());
  return exit_code(absl::IsInvalidArgument(status) ? ExitStatus::kUsage : ExitStatus::kHostCannot);
}

}  // namespace vmm
