#include "hostile/attack.h"

namespace test_guest {
namespace {

const char* current = "none";
unsigned successes;

}  // namespace

void begin_attack(const char* name) {
  current = name;
}

unsigned success_count() {
  return successes;
}

void report_refused(const char* detail, int64_t result) {
  print("attack ", current, ": ", detail, ": errno ", result);
}

void report_trap(const char* detail, const Trap& trap) {
  print("attack ", current, ": ", detail, ": ", trap_name(trap.vector), " delivered, error ",
        Hex{trap.error});
}

void report_harmless(const char* detail, const char* why) {
  print("attack ", current, ": ", detail, ": ", why);
}

void report_success(const char* detail) {
  print("attack ", current, ": ", detail, ": SUCCESS");
  ++successes;
}

void expect_error(const char* detail, int64_t result) {
  if (result < 0) {
    report_refused(detail, result);
  } else {
    report_success(detail);
  }
}

void expect_trap(const char* detail, const Trap& trap) {
  if (trap.happened) {
    report_trap(detail, trap);
  } else {
    report_success(detail);
  }
}

int64_t mmu_update_one(uint64_t pointer, uint64_t value) {
  mmu_update_t request = {pointer, value};
  return hypercall(__HYPERVISOR_mmu_update, address_of(&request), 1, 0, DOMID_SELF);
}

int64_t mmuext_one(unsigned command, uint64_t mfn) {
  mmuext_op_t operation = {};
  operation.cmd = command;
  operation.arg1.mfn = mfn;
  return hypercall(__HYPERVISOR_mmuext_op, address_of(&operation), 1, 0, DOMID_SELF);
}

int64_t update_va_mapping(uint64_t address, uint64_t value) {
  return hypercall(__HYPERVISOR_update_va_mapping, address, value, UVMF_INVLPG);
}

}  // namespace test_guest
