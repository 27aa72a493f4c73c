#include "sim/fiber.h"

#include <cstdlib>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#define VMM_SANITIZE_ADDRESS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define VMM_SANITIZE_ADDRESS 1
#endif
#endif

#ifdef VMM_SANITIZE_ADDRESS
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

extern "C" void vmm_fiber_switch(uint64_t* save, uint64_t next);

namespace vmm {
namespace {

Fiber* running = nullptr;   // the one that begins asks which it is
Fiber* previous = nullptr;  // the one that was left for it

// What vmm_fiber_switch pops.
struct SwitchFrame {
  uint64_t registers[6];
  uint64_t rip;
  uint64_t no_caller;  // leaves the stack aligned as a call would
};

}  // namespace

Fiber* Fiber::first_ = nullptr;

Fiber::~Fiber() {
  if (!listed_) return;
  Fiber** place = &first_;
  while (*place != this) place = &(*place)->next_;
  *place = next_;
}

void Fiber::prepare(std::byte* stack, size_t size, void (*entry)()) {
  if (!listed_) {
    listed_ = true;
    next_ = std::exchange(first_, this);
  }
  stack_ = stack;
  size_ = size;
  entry_ = entry;
  sanitizer_state_ = nullptr;
#ifdef VMM_SANITIZE_ADDRESS
  __asan_unpoison_memory_region(stack, size);
#endif
  auto* frame = reinterpret_cast<SwitchFrame*>(stack + size - sizeof(SwitchFrame));
  *frame = {{}, reinterpret_cast<uint64_t>(&Fiber::begin), 0};
  rsp_ = reinterpret_cast<uint64_t>(frame);
}

void Fiber::begin() {
#ifdef VMM_SANITIZE_ADDRESS
  const void* bottom = nullptr;
  size_t size = 0;
  __sanitizer_finish_switch_fiber(nullptr, &bottom, &size);
  if (previous->stack_ == nullptr) {  // the host thread's own, whose bounds nobody else knows
    previous->stack_ = static_cast<std::byte*>(const_cast<void*>(bottom));
    previous->size_ = size;
  }
#endif
  running->entry_();
  std::abort();
}

void Fiber::switch_to(Fiber& other) {
  previous = this;
  running = &other;
#ifdef VMM_SANITIZE_ADDRESS
  __sanitizer_start_switch_fiber(&sanitizer_state_, other.stack_, other.size_);
#endif
  vmm_fiber_switch(&rsp_, other.rsp_);
#ifdef VMM_SANITIZE_ADDRESS
  __sanitizer_finish_switch_fiber(sanitizer_state_, nullptr, nullptr);
#endif
}

}  // namespace vmm
