// What the command line asks for: seed=N rounds=N seconds=N.
#pragma once

#include <stdint.h>

namespace random_hostile {

struct Options {
  uint64_t seed = 1;
  uint64_t rounds = 1000;  // of each vCPU
  uint64_t seconds = 0;    // if not 0, the run lasts so long, whatever `rounds` says
};

Options parse_options(const char* command_line);

}  // namespace random_hostile
