// The subcommands of the program.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace vmm {

using Arguments = std::vector<std::string>;

struct Command {
  const char* name;
  const char* summary;                     // one line
  int (*run)(const Arguments& arguments);  // what follows the subcommand's name; the exit status
  std::string (*help)();
};

int run_command(const Arguments& arguments);
std::string run_help();
int bench_command(const Arguments& arguments);
std::string bench_help();
int fuzz_command(const Arguments& arguments);
std::string fuzz_help();
int explore_command(const Arguments& arguments);
std::string explore_help();
int probe_command(const Arguments& arguments);
std::string probe_help();
int explain_command(const Arguments& arguments);
std::string explain_help();
int workloads_command(const Arguments& arguments);
std::string workloads_help();

// All of them, in the order of the overview.
std::span<const Command> commands();

// Runs the program with everything behind its own name; the exit status.
int run_program(const Arguments& arguments);

}  // namespace vmm
