#include "cli/command.h"

int main(int argc, char** argv) {
  return vmm::run_program(vmm::Arguments(argv + (argc > 0 ? 1 : 0), argv + argc));
}
