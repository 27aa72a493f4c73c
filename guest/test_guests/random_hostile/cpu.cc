#include "random_hostile/cpu.h"

#include "runtime/console.h"

namespace random_hostile {
namespace {

Cpu cpus[kMaxCpus];
unsigned running = 1;
alignas(kPageSize) uint8_t argument_space[kMaxCpus][ArgumentPages::kCount * kPageSize];

}  // namespace

void* Cpu::allocate(size_t size) {
  size = (size + 7) & ~size_t{7};
  if (arguments_used + size > ArgumentPages::kUsable * kPageSize) arguments_used = 0;
  void* room = arguments.page(0) + arguments_used;
  arguments_used += size;
  return room;
}

int64_t Cpu::call(unsigned number, uint64_t arg1, uint64_t arg2, uint64_t arg3, uint64_t arg4,
                  uint64_t arg5) {
  const int64_t result = test_guest::hypercall(number, arg1, arg2, arg3, arg4, arg5);
  tally.count(number, result);
  return result;
}

bool Cpu::load(uint64_t address, uint64_t& value) {
  return survives([&] { value = *reinterpret_cast<volatile uint64_t*>(address); });
}

bool Cpu::store(uint64_t address, uint64_t value) {
  return survives([=] { *reinterpret_cast<volatile uint64_t*>(address) = value; });
}

void set_up_cpu(unsigned id, uint64_t seed) {
  Cpu& cpu = cpus[id];
  cpu.id = id;
  cpu.random = Random(seed * kMaxCpus + id);
  cpu.arguments.pages = argument_space[id];
  const auto remap = [&](unsigned page, uint64_t entry) {
    const int64_t result = test_guest::hypercall(
        __HYPERVISOR_update_va_mapping, address_of(cpu.arguments.page(page)), entry, UVMF_INVLPG);
    if (result != 0) test_guest::print("ERROR: an argument page cannot be remapped: ", result);
  };
  remap(ArgumentPages::kUnmapped, 0);
  const uint64_t read_only =
      test_guest::mfn_of_address(cpu.arguments.page(ArgumentPages::kReadOnly));
  remap(ArgumentPages::kReadOnly,
        read_only * kPageSize | test_guest::kPresent | test_guest::kUser | test_guest::kAccessed);
}

Cpu& cpu_of(unsigned id) {
  return cpus[id];
}

unsigned cpu_count() {
  return running;
}

void set_cpu_count(unsigned count) {
  running = count;
}

void restore_handlers() {
  const int64_t result = test_guest::register_callbacks();
  if (result != 0) test_guest::print("ERROR: handlers cannot be registered: ", result);
}

}  // namespace random_hostile
