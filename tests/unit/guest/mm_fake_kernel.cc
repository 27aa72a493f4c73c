// The lower interfaces of the kernel, on the fake machine.
#include <cstdarg>
#include <cstdio>

#include "accounting.h"
#include "arch/cpu.h"
#include "arch/hypercall.h"
#include "arch/memory.h"
#include "console.h"
#include "format.h"
#include "mm_fake_machine.h"
#include "panic.h"

namespace kernel {
namespace {

test::FakeMachine& machine() {
  return test::FakeMachine::instance();
}

}  // namespace

uint64_t frame_count() {
  return test::FakeMachine::kFrames;
}

void* frame_address(pvmmu::Pfn frame) {
  return machine().kernel_view() + frame.raw() * pvmmu::kPageSize;
}

pvmmu::Pfn frame_from_address(const void* address) {
  const auto offset = static_cast<const unsigned char*>(address) - machine().kernel_view();
  return pvmmu::Pfn(static_cast<uint64_t>(offset) / pvmmu::kPageSize);
}

pvmmu::Mfn mfn_from_pfn(pvmmu::Pfn frame) {
  return pvmmu::Mfn(test::FakeMachine::shuffled(frame.raw()));
}

pvmmu::Pfn pfn_from_mfn(pvmmu::Mfn frame) {
  return pvmmu::Pfn(test::FakeMachine::unshuffled(frame.raw()));
}

uint64_t linear_address(const void* object) {
  return reinterpret_cast<uint64_t>(object);
}

unsigned current_cpu() {
  return machine().cpu();
}
uint64_t events_save() {
  return 0;
}
void events_restore(uint64_t) {}
bool events_masked() {
  return true;
}
void spin_wait(unsigned) {
  panic("a lock is held that nobody can release");
}

int64_t arch_hypercall(uint64_t op, const uint64_t (&args)[6]) {
  return machine().hypercall(op, args);
}

void panic(const char* format, ...) {
  char text[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  throw test::Panic(text);
}

void accounting_count(uint64_t guest_abi::GuestCounters::*counter, uint64_t amount) {
  machine().count(counter, amount);
}
void accounting_max_locks(uint64_t locks_held) {
  machine().raise_locks(locks_held);
}
uint32_t accounting_set_phase(uint32_t phase) {
  return machine().set_phase(phase);
}
uint32_t accounting_phase() {
  return machine().phase();
}
Operation accounting_operation() {
  return Operation::kNone;
}
Operation accounting_set_operation(Operation) {
  return Operation::kNone;
}

guest_abi::PteRuleReport& accounting_rules() {
  return machine().rules();
}

void console_print(const char* format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  machine().console() += text;
}

size_t format_text(char* buffer, size_t size, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(buffer, size, format, arguments);
  va_end(arguments);
  const auto wanted = static_cast<size_t>(length < 0 ? 0 : length);
  return wanted < size ? wanted : size - 1;
}

}  // namespace kernel
