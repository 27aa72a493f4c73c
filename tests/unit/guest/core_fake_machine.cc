#include "core_fake_machine.h"

#include <cstdarg>
#include <cstdio>

#include "arch/cpu.h"
#include "arch/memory.h"
#include "panic.h"

namespace kernel {
namespace test {
namespace {

FakeMemory* memory = nullptr;
unsigned cpu = 0;
void (*spin_hook)(unsigned) = nullptr;

// Machine frames are others than the pseudo-physical ones, so that a mix-up shows.
constexpr uint64_t kMachineOffset = 1000;

}  // namespace

FakeMemory::FakeMemory(uint64_t count) : bytes_(count * pvmmu::kPageSize), descriptors_(count) {
  memory = this;
  frames_start(descriptors_.data(), count);
}

FakeMemory::~FakeMemory() {
  memory = nullptr;
}

void set_current_cpu(unsigned id) {
  cpu = id;
}
void set_spin_hook(void (*hook)(unsigned round)) {
  spin_hook = hook;
}

}  // namespace test

void* frame_address(pvmmu::Pfn frame) {
  return test::memory->frame(frame);
}
pvmmu::Mfn mfn_from_pfn(pvmmu::Pfn frame) {
  return pvmmu::Mfn(frame.raw() + test::kMachineOffset);
}
pvmmu::Pfn pfn_from_mfn(pvmmu::Mfn frame) {
  return pvmmu::Pfn(frame.raw() - test::kMachineOffset);
}
unsigned current_cpu() {
  return test::cpu;
}

void spin_wait(unsigned round) {
  if (test::spin_hook == nullptr) {
    panic("a lock is held that nobody releases");
  }
  test::spin_hook(round);
}

void panic(const char* format, ...) {
  char text[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  throw test::Panic(text);
}

}  // namespace kernel
