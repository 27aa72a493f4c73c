// Small objects of one type, carved out of whole pages.
//
// The kernel has no heap: each kind of object has its pool, which takes a page more when it runs
// dry and keeps its pages for ever. Objects come out value-initialised. Safe from several vCPUs.
#pragma once

#include <stddef.h>

#include <new>
#include <type_traits>

#include "frames.h"
#include "spinlock.h"

namespace kernel {

template <typename T>
class ObjectPool {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  constexpr ObjectPool() = default;
  ObjectPool(const ObjectPool&) = delete;
  ObjectPool& operator=(const ObjectPool&) = delete;

  // nullptr if memory is out.
  T* get() {
    SpinlockGuard guard(lock_);
    if (free_ == nullptr && !refill()) {
      return nullptr;
    }
    Slot* slot = free_;
    free_ = slot->next;
    ++in_use_;
    return new (slot->storage) T();
  }

  void put(T* object) {
    SpinlockGuard guard(lock_);
    push(reinterpret_cast<Slot*>(object));
    --in_use_;
  }

  // Objects that were handed out and not given back.
  uint64_t in_use() {
    SpinlockGuard guard(lock_);
    return in_use_;
  }

 private:
  union Slot {
    Slot* next;
    alignas(T) unsigned char storage[sizeof(T)];
  };
  static constexpr size_t kSlotsPerPage = 4096 / sizeof(Slot);
  static_assert(kSlotsPerPage > 0);

  void push(Slot* slot) {
    slot->next = free_;
    free_ = slot;
  }

  static Slot* pool_page() {
    Page* page = alloc_permanent_frame();
    return page != nullptr ? static_cast<Slot*>(address_of(*page)) : nullptr;
  }

  bool refill() {
    Slot* slots = pool_page();
    if (slots == nullptr) {
      return false;
    }
    // The first slot is handed out first, so that addresses do not depend on history.
    for (size_t i = kSlotsPerPage; i > 0; --i) {
      push(&slots[i - 1]);
    }
    return true;
  }

  Spinlock lock_;
  Slot* free_ = nullptr;
  uint64_t in_use_ = 0;
};

}  // namespace kernel
