#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/command.h"
#include "cli/flag_set.h"
#include "cli/guest_input.h"
#include "cli/messages.h"
#include "workload/workload.h"

namespace vmm {
namespace {

constexpr const char* kName = "workloads";

std::string list_text(bool only_names) {
  size_t widest = 0;
  for (const BuiltinWorkload& workload : builtin_workloads()) {
    widest = std::max(widest, workload.name.size());
  }
  std::string text;
  for (const BuiltinWorkload& workload : builtin_workloads()) {
    const std::string name(workload.name);
    if (only_names) {
      absl::StrAppend(&text, name, "\n");
    } else {
      absl::StrAppendFormat(&text, "%-*s  %s\n", static_cast<int>(widest), name,
                            std::string(workload.summary()));
    }
  }
  return text;
}

int list(bool only_names) {
  return print_help(list_text(only_names));
}

int show(const std::string& name) {
  const BuiltinWorkload* workload = find_workload(name);
  if (workload == nullptr) {
    // For its message: names that are close, and where the list is.
    return fail(read_guest_input("", name).status());
  }
  return print_help({workload->text.data(), workload->text.size()});
}

// Every file, so that all mistakes come out at once.
int check(const Arguments& files) {
  int status = exit_code(ExitStatus::kSuccess);
  std::string good;
  for (const std::string& file : files) {
    // A file is meant, whatever its name.
    const std::string path = names_workload_file(file) ? file : absl::StrCat("./", file);
    const absl::StatusOr<GuestInput> input = read_guest_input("", path);
    if (input.ok()) {
      absl::StrAppend(&good, file, ": good\n");
    } else {
      say_lines(absl::StrCat(input.status().message(), "\n"));
      status = exit_code(ExitStatus::kUsage);
    }
  }
  return status == exit_code(ExitStatus::kSuccess) ? print_help(good) : status;
}

}  // namespace

std::string workloads_help() {
  return "Lists, shows and checks workloads: the scripts that the guest's processes run.\n"
         "\n"
         "  pvmmu workloads [list] [--names]\n"
         "  pvmmu workloads show NAME\n"
         "  pvmmu workloads check FILE...\n"
         "\n"
         "All of them, run one after the other:\n"
         "  for w in $(pvmmu workloads --names); do pvmmu run --workload=$w --stats=none; done\n"
         "Start one of yours from a shipped one, and find its mistakes (FILE:LINE: reason):\n"
         "  pvmmu workloads show hello > mine.wl\n"
         "  pvmmu workloads check mine.wl\n"
         "\n"
         "Flags\n"
         "  --names                 With list: nothing but the names.\n";
}

int workloads_command(const Arguments& arguments) {
  bool only_names = false;
  FlagSet flags("pvmmu workloads");
  flags.add_switch("names", "", only_names);
  const absl::StatusOr<Arguments> others = flags.parse(arguments);
  if (!others.ok()) return usage_error(kName, others.status().message());
  if (flags.help_requested()) return print_help(workloads_help());
  const std::string verb = others->empty() ? "list" : others->front();
  const Arguments rest(others->begin() + (others->empty() ? 0 : 1), others->end());
  if (only_names && verb != "list") return usage_error(kName, "--names goes with list only");
  if (verb == "list" && rest.empty()) return list(only_names);
  if (verb == "show" && rest.size() == 1) return show(rest.front());
  if (verb == "check" && !rest.empty()) return check(rest);
  if (verb == "list") return usage_error(kName, "list takes no name");
  if (verb == "show") return usage_error(kName, "show needs one name");
  if (verb == "check") return usage_error(kName, "check needs a file");
  return usage_error(kName, absl::StrCat("\"", verb, "\" is none of list, show, check"));
}

}  // namespace vmm
