// `pvmmu_planted BUG ARGUMENT...`: the program with a bug, or a breach of a pte rule, in its
// simulated guest kernel; `pvmmu_planted --list` and `--breaches` say which there are.
#include <cstdio>
#include <cstring>
#include <span>
#include <string>

#include "cli/command.h"
#include "planted_bug.h"
#include "pte_rules/seeded.h"

namespace {

using kernel::pte_rules::Seeded;

struct NamedBug {
  const char* name;
  kernel::PlantedBug bug;
  Seeded breach;
};
constexpr NamedBug kBugs[] = {
#define PVMMU_NAMED_BUG(name, text) {#name, kernel::PlantedBug::name, Seeded::none},
    KERNEL_PLANTED_BUG_LIST(PVMMU_NAMED_BUG)
#undef PVMMU_NAMED_BUG
};
constexpr NamedBug kBreaches[] = {
#define PVMMU_NAMED_BREACH(name, x86, powerpc, s390, text) \
  {#name, kernel::PlantedBug::none, Seeded::name},
    PTE_RULES_SEEDED(PVMMU_NAMED_BREACH)
#undef PVMMU_NAMED_BREACH
};

int list(std::span<const NamedBug> bugs) {
  for (const NamedBug& named : bugs) std::puts(named.name);
  return 0;
}

// False: there is none of that name.
bool plant(std::span<const NamedBug> bugs, const char* name) {
  for (const NamedBug& named : bugs) {
    if (std::strcmp(name, named.name) != 0) continue;
    kernel::planted_bug = named.bug;
    kernel::pte_rules::seeded_breach = named.breach;
    return true;
  }
  return false;
}

}  // namespace

int main(int count, char** words) {
  if (count < 2) return 2;
  const char* name = words[1];
  if (std::strcmp(name, "--list") == 0) return list(kBugs);
  if (std::strcmp(name, "--breaches") == 0) return list(kBreaches);
  if (std::strcmp(name, "none") != 0 && !plant(kBugs, name) && !plant(kBreaches, name)) {
    std::fprintf(stderr, "there is no bug %s\n", name);
    return 2;
  }
  return vmm::run_program({words + 2, words + count});
}
