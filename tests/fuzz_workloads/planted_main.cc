// `pvmmu_planted BUG ARGUMENT...`: the program with a bug, a race, or a breach of a pte rule in its
// simulated guest kernel; `pvmmu_planted --list` and `--breaches` say which there are, and
// `--races` which races, each with its workload.
#include <cstdio>
#include <cstring>
#include <string>

#include "cli/command.h"
#include "planted_bug.h"
#include "pte_rules/seeded.h"

namespace {

using kernel::pte_rules::Seeded;

struct NamedBug {
  const char* name;
  kernel::PlantedBug bug;
};
constexpr NamedBug kBugs[] = {
#define PVMMU_NAMED_BUG(name, text) {#name, kernel::PlantedBug::name},
    KERNEL_PLANTED_BUG_LIST(PVMMU_NAMED_BUG)
#undef PVMMU_NAMED_BUG
};

struct NamedBreach {
  const char* name;
  Seeded breach;
};
constexpr NamedBreach kBreaches[] = {
#define PVMMU_NAMED_BREACH(name, x86, powerpc, s390, text) {#name, Seeded::name},
    PTE_RULES_SEEDED(PVMMU_NAMED_BREACH)
#undef PVMMU_NAMED_BREACH
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

template <typename Named, size_t kCount>
int list(const Named (&all)[kCount]) {
  for (const Named& named : all) std::puts(named.name);
  return 0;
}

int list_races() {
  for (const NamedRace& race : kRaces)
    std::printf("%s\t%s\t%s\n", race.name, race.workload, race.text);
  return 0;
}

template <typename Named, size_t kCount>
const Named* find(const Named (&all)[kCount], const char* name) {
  for (const Named& named : all) {
    if (std::strcmp(name, named.name) == 0) return &named;
  }
  return nullptr;
}

// False: there is none of that name.
bool plant(const char* name) {
  if (const NamedBug* bug = find(kBugs, name)) {
    kernel::planted_bug = bug->bug;
    return true;
  }
  if (const NamedRace* race = find(kRaces, name)) {
    kernel::planted_bug = race->bug;
    return true;
  }
#ifndef PVMMU_PLANTED_VALIDATOR
  if (std::strcmp(name, "none") == 0) return true;
  if (const NamedBreach* breach = find(kBreaches, name)) {
    kernel::pte_rules::seeded_breach = breach->breach;
    return true;
  }
#endif
  return false;
}

}  // namespace

int main(int count, char** words) {
  if (count < 2) return 2;
  if (std::strcmp(words[1], "--list") == 0) return list(kBugs);
  if (std::strcmp(words[1], "--breaches") == 0) return list(kBreaches);
  if (std::strcmp(words[1], "--races") == 0) return list_races();
  if (!plant(words[1])) {
    std::fprintf(stderr, "there is no bug %s\n", words[1]);
    return 2;
  }
  return vmm::run_program({words + 2, words + count});
}
