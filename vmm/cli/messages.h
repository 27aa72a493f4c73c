// Lines for people on standard error.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "cli/exit_status.h"

namespace vmm {

// "pvmmu: text" and a newline, in one write.
void say(absl::string_view text);

// Says why `command` cannot go on, and returns the exit status for it.
int usage_error(absl::string_view command, absl::string_view why);
// Says the status's message, of a file or stream that output cannot go to, and returns 2.
int cannot_write(const absl::Status& status);
// Says the status's message. InvalidArgument is the user's to mend (2), anything else the host's
// (3).
int fail(const absl::Status& status);
// Says the status's message, whatever its code: the host cannot (3).
int host_cannot(const absl::Status& status);
// Text that is complete in itself, to standard error as it stands.
void say_lines(absl::string_view text);
// Help that was asked for: to standard output; status 0.
int print_help(absl::string_view text);

}  // namespace vmm
