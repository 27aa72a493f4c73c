// Host stacks that take turns on one host thread. AddressSanitizer is told of every switch.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vmm {

// The one that a host thread starts with needs no stack.
class Fiber {
 public:
  Fiber() = default;
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Begins in entry() on [stack, stack + size) when it is first switched to; what it did before is
  // forgotten. Not for the fiber that runs. entry() must not return.
  void prepare(std::byte* stack, size_t size, void (*entry)());
  // Leaves this fiber, which runs, and goes on with the other; returns when somebody comes back.
  void switch_to(Fiber& other);

  // All stacks that were given to fibers, as visit(start, end, where it was left).
  template <typename Visit>
  static void for_each_stack(Visit visit) {
    for (const Fiber* fiber = first_; fiber != nullptr; fiber = fiber->next_) {
      const auto start = reinterpret_cast<uint64_t>(fiber->stack_);
      visit(start, start + fiber->size_, fiber->rsp_);
    }
  }

 private:
  static void begin();

  static Fiber* first_;
  Fiber* next_ = nullptr;  // of those with stacks
  bool listed_ = false;

  uint64_t rsp_ = 0;  // while it does not run
  std::byte* stack_ = nullptr;
  size_t size_ = 0;
  void (*entry_)() = nullptr;
  void* sanitizer_state_ = nullptr;
};

}  // namespace vmm
