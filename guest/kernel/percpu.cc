#include "percpu.h"

#include "options.h"

namespace kernel {
namespace {

constinit Cpu cpus[kMaxCpus];

}  // namespace

unsigned cpu_count() {
  return options().vcpus;
}

Cpu& cpu_of(unsigned id) {
  return cpus[id];
}

}  // namespace kernel
