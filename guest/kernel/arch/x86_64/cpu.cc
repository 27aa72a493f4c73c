#include "arch/cpu.h"

#include "percpu.h"

namespace kernel {

// The kernel's GS base is the address of the processor's Cpu.
Cpu& this_cpu() {
  Cpu* cpu;
  asm volatile("movq %%gs:0, %0" : "=r"(cpu));
  return *cpu;
}

void cpu_pause() {
  asm volatile("pause" ::: "memory");
}

uint64_t read_tsc() {
  uint32_t low;
  uint32_t high;
  asm volatile("rdtsc" : "=a"(low), "=d"(high));
  return (uint64_t{high} << 32) | low;
}

}  // namespace kernel
