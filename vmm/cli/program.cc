#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/command.h"
#include "cli/flag_set.h"
#include "cli/messages.h"
#include "cli/version.h"

namespace vmm {
namespace {

constexpr Command kCommands[] = {
    {"run", "run a guest and count what its page tables cost", run_command, run_help},
    {"bench", "run workloads in all modes and compare them in one table", bench_command,
     bench_help},
    {"fuzz", "make random workloads and hold them to the laws", fuzz_command, fuzz_help},
    {"explore", "search the interleavings of a workload for one that fails", explore_command,
     explore_help},
    {"probe", "say what kind of KVM this machine has", probe_command, probe_help},
    {"explain", "say from a saved report why a request was refused, or what a frame is",
     explain_command, explain_help},
    {"workloads", "list, show and check workloads", workloads_command, workloads_help},
};

std::string overview() {
  std::string text =
      "pvmmu runs a paravirtual guest on KVM whose page tables are written through batched,\n"
      "checked hypercalls, and counts every one.\n"
      "\n"
      "  pvmmu run                          a first run\n"
      "  pvmmu bench everything             what the four ways of writing page tables cost\n"
      "\n"
      "Commands\n";
  for (const Command& command : kCommands) {
    absl::StrAppendFormat(&text, "  %-10s %s\n", command.name, command.summary);
  }
  absl::StrAppend(&text, "  help       this text, or the help of a command: pvmmu help run\n",
                  "\npvmmu --version says which version this is.\n");
  return text;
}

const Command* find_command(const std::string& name) {
  const auto found = std::find_if(std::begin(kCommands), std::end(kCommands),
                                  [&](const Command& command) { return command.name == name; });
  return found == std::end(kCommands) ? nullptr : found;
}

int unknown_command(const std::string& name) {
  if (name.starts_with("-")) return usage_error("", absl::StrCat("there is no flag ", name));
  std::vector<std::string> names;
  for (const Command& command : kCommands) names.emplace_back(command.name);
  const std::string closest = closest_name(name, names);
  return usage_error(
      "", absl::StrCat("there is no command ", name,
                       closest.empty() ? "" : absl::StrCat("; did you mean ", closest, "?")));
}

int help_command(const Arguments& arguments) {
  if (arguments.empty()) return print_help(overview());
  if (arguments.size() > 1) return usage_error("", "help takes one command");
  const Command* command = find_command(arguments.front());
  return command == nullptr ? unknown_command(arguments.front()) : print_help(command->help());
}

}  // namespace

std::span<const Command> commands() {
  return kCommands;
}

int run_program(const Arguments& arguments) {
  if (arguments.empty()) {
    say_lines(overview());
    return exit_code(ExitStatus::kUsage);
  }
  const std::string& name = arguments.front();
  const Arguments rest(arguments.begin() + 1, arguments.end());
  if (name == "help") return help_command(rest);
  if (name == "--help" || name == "-h") return print_help(overview());
  if (name == "--version") return print_help(absl::StrCat("pvmmu ", kVersion, "\n"));
  const Command* command = find_command(name);
  return command == nullptr ? unknown_command(name) : command->run(rest);
}

}  // namespace vmm
