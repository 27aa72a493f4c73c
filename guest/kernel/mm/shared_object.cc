#include "mm/shared_object.h"

#include "mm/object_pool.h"
#include "spinlock.h"

namespace kernel {

inline constexpr unsigned kSlotsPerPage = 512;

class SharedObject {
 public:
  Spinlock lock;
  uint64_t references = 1;
  Page* directory = nullptr;  // a page of pointers to pages of pointers
};

namespace {

constinit ObjectPool<SharedObject> pool;

constexpr uint32_t kPageDirty = 1;  // Page::flags

Page** slots_of(Page& page) {
  return static_cast<Page**>(address_of(page));
}

// The pointer in `slots`, made if it is not there.
Page* find_or_make(Page*& slot) {
  if (slot == nullptr) {
    slot = alloc_zeroed_frame();
  }
  return slot;
}

void free_pages(Page& directory) {
  for (unsigned i = 0; i < kSlotsPerPage; ++i) {
    Page* leaf = slots_of(directory)[i];
    if (leaf == nullptr) {
      continue;
    }
    for (unsigned j = 0; j < kSlotsPerPage; ++j) {
      if (Page* page = slots_of(*leaf)[j]) {
        frame_put(*page);
      }
    }
    frame_put(*leaf);
  }
  frame_put(directory);
}

}  // namespace

SharedObject* shared_object_create() {
  return pool.get();
}

void shared_object_get(SharedObject& object) {
  SpinlockGuard guard(object.lock);
  ++object.references;
}

void shared_object_put(SharedObject& object) {
  bool last;
  {
    SpinlockGuard guard(object.lock);
    last = --object.references == 0;
  }
  if (!last) {
    return;
  }
  if (object.directory != nullptr) {
    free_pages(*object.directory);
  }
  pool.put(&object);
}

Page* shared_object_page(SharedObject& object, uint64_t number) {
  SpinlockGuard guard(object.lock);
  if (find_or_make(object.directory) == nullptr) {
    return nullptr;
  }
  Page*& leaf = slots_of(*object.directory)[number / kSlotsPerPage];
  if (find_or_make(leaf) == nullptr) {
    return nullptr;
  }
  return find_or_make(slots_of(*leaf)[number % kSlotsPerPage]);
}

Page* shared_object_find_page(SharedObject& object, uint64_t number) {
  SpinlockGuard guard(object.lock);
  if (object.directory == nullptr) {
    return nullptr;
  }
  Page* leaf = slots_of(*object.directory)[number / kSlotsPerPage];
  return leaf != nullptr ? slots_of(*leaf)[number % kSlotsPerPage] : nullptr;
}

void mark_page_dirty(Page& page) {
  __atomic_fetch_or(&page.flags, kPageDirty, __ATOMIC_RELAXED);
}

bool is_page_dirty(const Page& page) {
  return (__atomic_load_n(&page.flags, __ATOMIC_RELAXED) & kPageDirty) != 0;
}

uint64_t shared_object_take_dirty(SharedObject& object, uint64_t first, uint64_t end) {
  uint64_t count = 0;
  for (uint64_t number = first; number < end; ++number) {
    Page* page = shared_object_find_page(object, number);
    if (page != nullptr &&
        (__atomic_fetch_and(&page->flags, ~kPageDirty, __ATOMIC_RELAXED) & kPageDirty) != 0) {
      ++count;
    }
  }
  return count;
}

uint64_t shared_object_count() {
  return pool.in_use();
}

}  // namespace kernel
