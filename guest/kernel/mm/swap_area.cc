#include "mm/swap_area.h"

#include <string.h>

#include "arch/memory.h"

namespace kernel {
namespace {

constinit uint64_t slots_in_use = 0;  // atomic

// False: the area is full.
bool reserve_slot() {
  const uint64_t limit = frame_count() / 4;
  if (__atomic_add_fetch(&slots_in_use, 1, __ATOMIC_RELAXED) <= limit) {
    return true;
  }
  __atomic_sub_fetch(&slots_in_use, 1, __ATOMIC_RELAXED);
  return false;
}

void slot_is_free() {
  __atomic_sub_fetch(&slots_in_use, 1, __ATOMIC_RELAXED);
}

Page* copy_of(const Page& page) {
  Page* copy = alloc_frame();
  if (copy != nullptr) {
    memcpy(address_of(*copy), address_of(page), pvmmu::kPageSize);
  }
  return copy;
}

}  // namespace

Page* swap_write(const Page& page) {
  if (!reserve_slot()) {
    return nullptr;
  }
  Page* slot = copy_of(page);
  if (slot == nullptr) {
    slot_is_free();
  }
  return slot;
}

void swap_get(Page& slot) {
  frame_get(slot);
}

void swap_put(Page& slot) {
  if (frame_put(slot)) {
    slot_is_free();
  }
}

Page* swap_read(Page& slot) {
  if (is_sole(slot)) {
    slot_is_free();
    return &slot;
  }
  Page* page = copy_of(slot);
  if (page != nullptr) {
    swap_put(slot);
  }
  return page;
}

void swap_slot_is_page() {
  slot_is_free();
}

uint64_t swap_slots_in_use() {
  return __atomic_load_n(&slots_in_use, __ATOMIC_RELAXED);
}

}  // namespace kernel
