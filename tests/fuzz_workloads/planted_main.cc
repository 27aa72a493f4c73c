// `pvmmu_planted BUG ARGUMENT...`: the program with a bug in its simulated guest kernel;
// `pvmmu_planted --list` says which there are, and --races which races, each with its workload.
#include <cstdio>
#include <cstring>
#include <string>

#include "cli/command.h"
#include "planted_bug.h"

namespace {

struct NamedBug {
  const char* name;
  kernel::PlantedBug bug;
};
constexpr NamedBug kBugs[] = {
#define PVMMU_NAMED_BUG(name, text) {#name, kernel::PlantedBug::name},
    KERNEL_PLANTED_BUG_LIST(PVMMU_NAMED_BUG)
#undef PVMMU_NAMED_BUG
};

struct NamedRace {
  const char* name;
  const char* workload;
  const char* text;
  kernel::PlantedBug bug;
};
constexpr NamedRace kRaces[] = {
#ifdef PVMMU_PLANTED_VALIDATOR
    // In this build it is there whatever is named.
    {"read_before_flush", "race-retype",
     "a new table is read before stale translations are flushed", kernel::PlantedBug::none},
#else
#define PVMMU_NAMED_RACE(name, workload, text) {#name, workload, text, kernel::PlantedBug::name},
    KERNEL_PLANTED_RACE_LIST(PVMMU_NAMED_RACE)
#undef PVMMU_NAMED_RACE
#endif
};

int list() {
  for (const NamedBug& named : kBugs) std::puts(named.name);
  return 0;
}

int list_races() {
  for (const NamedRace& race : kRaces)
    std::printf("%s\t%s\t%s\n", race.name, race.workload, race.text);
  return 0;
}

}  // namespace

int main(int count, char** words) {
  if (count < 2) return 2;
  if (std::strcmp(words[1], "--list") == 0) return list();
  if (std::strcmp(words[1], "--races") == 0) return list_races();
  for (const NamedBug& named : kBugs) {
    if (std::strcmp(words[1], named.name) == 0) kernel::planted_bug = named.bug;
  }
  for (const NamedRace& race : kRaces) {
    if (std::strcmp(words[1], race.name) == 0) kernel::planted_bug = race.bug;
  }
#ifdef PVMMU_PLANTED_VALIDATOR
  const bool known = std::strcmp(words[1], kRaces[0].name) == 0;
#else
  const bool known = std::strcmp(words[1], "none") == 0;
#endif
  if (kernel::planted_bug == kernel::PlantedBug::none && !known) {
    std::fprintf(stderr, "there is no bug %s\n", words[1]);
    return 2;
  }
  return vmm::run_program({words + 2, words + count});
}
