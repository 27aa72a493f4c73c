// The first process inside the bed: a shell script that loads KVM, runs the program and reports.
//
// It talks over three virtio-serial ports: 1 carries the program's standard output, 2 its standard
// error, both raw, and behind each, when the program has ended, the mark. A port's last bytes may
// still be on their way when a later word on another port has arrived. 3 is the control port. There
// the bed says, each line ended by a newline:
//   fault TEXT              the bed cannot run the program
//   start                   the program starts
//   file INDEX SIZE         followed by SIZE bytes: the named output file
//   exit STATUS             the program has ended, everything is sent
// and takes the names of signals for the program (INT, TERM), one a line.
#pragma once

#include <span>
#include <string>
#include <vector>
#include "absl/strings/string_view.h"

namespace vmm {

struct InitScript {
  std::string program = "/pvmmu";         // path inside
  std::string search_path;                // empty: none needed
  std::string working_directory = "/";    // absolute
  std::vector<std::string> arguments;     // after argv[0]
  std::vector<std::string> output_files;  // absolute
  std::string end_mark;                   // of both outputs
  bool npt = true;

  std::string text() const;
};

// One word for the shell, whatever it contains.
std::string quote_for_shell(absl::string_view word);

}  // namespace vmm
