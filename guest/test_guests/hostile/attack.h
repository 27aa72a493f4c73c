// What the attacks of the hostile guest share: reporting, and the list of them.
//
// An attack prints one line for each try, "attack NAME: what happened", and counts a success if the
// hypervisor let it through. ERROR lines are about the test itself: it could not try.
#pragma once

#include <stdint.h>

#include "runtime/console.h"
#include "runtime/hypercall.h"
#include "runtime/memory.h"
#include "runtime/traps.h"

namespace test_guest {

struct Attack {
  const char* name;
  void (*run)();
  bool fatal;  // the hypervisor is expected to end the guest: not part of "all"
};

// Each ends with an entry without a name.
extern const Attack kPageTableAttacks[];
extern const Attack kPrivilegedAttacks[];
extern const Attack kRangeAttacks[];
extern const Attack kArgumentAttacks[];
extern const Attack kFatalAttacks[];

// The attack that is under way, for the lines.
void begin_attack(const char* name);
unsigned success_count();

void report_refused(const char* detail, int64_t result);  // "errno N"
void report_trap(const char* detail, const Trap& trap);   // "#GP delivered"
void report_harmless(const char* detail, const char* why);
void report_success(const char* detail);

// For a hypercall that must fail: negative is refused, anything else is a success of the attack.
void expect_error(const char* detail, int64_t result);
// For code that must trap.
void expect_trap(const char* detail, const Trap& trap);

int64_t mmu_update_one(uint64_t pointer, uint64_t value);
int64_t mmuext_one(unsigned command, uint64_t mfn);
int64_t update_va_mapping(uint64_t address, uint64_t value);

}  // namespace test_guest
