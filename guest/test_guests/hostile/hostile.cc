// A guest that tries to get round the hypervisor. Command line: attack=NAME, or attack=all (also
// without any) for all that a guest survives, or attack=list. Powers off if everything was refused,
// prints SUCCESS and ends as crashed if something was not.
#include "hostile/attack.h"

using namespace test_guest;

namespace {

constexpr const Attack* kGroups[] = {kPageTableAttacks, kPrivilegedAttacks, kRangeAttacks,
                                     kArgumentAttacks, kFatalAttacks};

// The word behind "attack=" on the command line, or "all".
const char* find_wanted(const char* line) {
  constexpr char kKey[] = "attack=";
  for (; *line != 0; ++line) {
    unsigned length = 0;
    while (kKey[length] != 0 && line[length] == kKey[length]) ++length;
    if (kKey[length] == 0) return line + length;
  }
  return "all";
}

bool names(const char* wanted, const char* name) {
  while (*name != 0 && *wanted == *name) ++wanted, ++name;
  return *name == 0 && (*wanted == 0 || *wanted == ' ');
}

// Returns how many attacks fitted.
unsigned run_attacks(const char* wanted) {
  unsigned count = 0;
  for (const Attack* group : kGroups) {
    for (const Attack* attack = group; attack->name != nullptr; ++attack) {
      if (names(wanted, "list")) print(attack->name);
      const bool selected = names(wanted, attack->name) || (names(wanted, "all") && !attack->fatal);
      if (selected) {
        begin_attack(attack->name);
        attack->run();
      }
      count += selected || names(wanted, "list") ? 1 : 0;
    }
  }
  return count;
}

}  // namespace

extern "C" void guest_main(const start_info_t* info) {
  remember_start_info(info);
  const int64_t registered = register_traps();
  if (registered != 0) print("ERROR: set_trap_table failed: ", registered);
  const char* wanted = find_wanted(reinterpret_cast<const char*>(info->cmd_line));
  const unsigned count = run_attacks(wanted);
  if (count == 0) print("ERROR: no such attack; attack=list names them");
  if (registered != 0 || count == 0 || success_count() != 0) shut_down(SHUTDOWN_crash);
  print("all refused");
  shut_down(SHUTDOWN_poweroff);
}
