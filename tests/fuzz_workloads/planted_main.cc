// `pvmmu_planted BUG ARGUMENT...`: the program with a bug in its simulated guest kernel;
// `pvmmu_planted --list` says which there are.
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

int list() {
  for (const NamedBug& named : kBugs) std::puts(named.name);
  return 0;
}

}  // namespace

int main(int count, char** words) {
  if (count < 2) return 2;
  if (std::strcmp(words[1], "--list") == 0) return list();
  for (const NamedBug& named : kBugs) {
    if (std::strcmp(words[1], named.name) == 0) kernel::planted_bug = named.bug;
  }
  if (kernel::planted_bug == kernel::PlantedBug::none && std::strcmp(words[1], "none") != 0) {
    std::fprintf(stderr, "there is no bug %s\n", words[1]);
    return 2;
  }
  return vmm::run_program({words + 2, words + count});
}
