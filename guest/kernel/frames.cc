#include "frames.h"

#include <string.h>

#include <new>

#include "arch/memory.h"
#include "panic.h"

namespace kernel {
namespace {

// All guarded by the lock, but for what stands in a descriptor of a frame in use.
constinit Spinlock lock;
constinit Page* descriptors = nullptr;
constinit uint64_t descriptor_count = 0;
constinit Page* free_list = nullptr;
constinit uint64_t free_count = 0;
constinit uint64_t given_count = 0;  // all that the allocator ever got
constinit uint64_t permanent_count = 0;

Page* take(bool permanent) {
  SpinlockGuard guard(lock);
  Page* page = free_list;
  if (page == nullptr) {
    return nullptr;
  }
  free_list = page->link;
  --free_count;
  permanent_count += permanent ? 1 : 0;
  return page;
}

// Only the fields: a spinlock cannot be assigned, and nobody holds it here.
Page* hand_out(Page* page) {
  if (page != nullptr) {
    kernel_assert(page->references == 0, "a frame on the free list is in use");
    page->references = 1;
    page->mappings = 0;
    page->flags = 0;
    page->word = 0;
    page->link = nullptr;
  }
  return page;
}

Page* zeroed(Page* page) {
  if (page != nullptr) {
    memset(address_of(*page), 0, pvmmu::kPageSize);
  }
  return page;
}

void give_back(Page& page) {
  kernel_assert(!page.table_lock.held(), "a frame is freed with its table lock held");
  SpinlockGuard guard(lock);
  page.link = free_list;
  free_list = &page;
  ++free_count;
}

}  // namespace

Page& page_of(pvmmu::Pfn frame) {
  kernel_assert(frame.raw() < descriptor_count, "a frame without a descriptor");
  return descriptors[frame.raw()];
}

Page& page_of(pvmmu::Mfn frame) {
  return page_of(pfn_from_mfn(frame));
}

pvmmu::Pfn pfn_of(const Page& page) {
  return pvmmu::Pfn(static_cast<uint64_t>(&page - descriptors));
}

pvmmu::Mfn mfn_of(const Page& page) {
  return mfn_from_pfn(pfn_of(page));
}

void* address_of(const Page& page) {
  return frame_address(pfn_of(page));
}

Page* alloc_frame() {
  return hand_out(take(false));
}

Page* alloc_zeroed_frame() {
  return zeroed(alloc_frame());
}

Page* alloc_permanent_frame() {
  return zeroed(hand_out(take(true)));
}

void free_frame(Page& page) {
  kernel_assert(__atomic_load_n(&page.references, __ATOMIC_ACQUIRE) == 1,
                "a frame is freed that somebody else uses, or nobody");
  page.references = 0;
  give_back(page);
}

void frame_get(Page& page) {
  const uint32_t before = __atomic_fetch_add(&page.references, 1, __ATOMIC_RELAXED);
  kernel_assert(before != 0, "a reference to a free frame");
}

bool frame_put(Page& page) {
  const uint32_t before = __atomic_fetch_sub(&page.references, 1, __ATOMIC_ACQ_REL);
  kernel_assert(before != 0, "a frame has more puts than gets");
  if (before != 1) {
    return false;
  }
  give_back(page);
  return true;
}

uint64_t free_frame_count() {
  SpinlockGuard guard(lock);
  return free_count;
}

uint64_t used_frame_count() {
  SpinlockGuard guard(lock);
  return given_count - free_count - permanent_count;
}

uint64_t table_locks_held() {
  uint64_t held = 0;
  for (uint64_t i = 0; i < descriptor_count; ++i) {
    held += descriptors[i].table_lock.held() ? 1 : 0;
  }
  return held;
}

void frames_start(Page* storage, uint64_t count) {
  descriptors = storage;
  descriptor_count = count;
  free_list = nullptr;
  free_count = given_count = permanent_count = 0;
  for (uint64_t i = 0; i < count; ++i) {
    new (&storage[i]) Page();
    storage[i].references = 1;  // reserved
  }
}

void frames_add(pvmmu::Pfn first, uint64_t count) {
  for (uint64_t i = count; i > 0; --i) {
    Page& page = page_of(first + (i - 1));
    kernel_assert(page.references == 1, "a frame is given to the allocator twice");
    page.references = 0;
    give_back(page);
  }
  SpinlockGuard guard(lock);
  given_count += count;
}

}  // namespace kernel
