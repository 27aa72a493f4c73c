// The pages behind a shared mapping or a file, found by their number in it.
//
// A page is made when it is first asked for and stays until the object goes, so that unmapping,
// madvise(DONTNEED) or a fork in between loses nothing. Each area that maps the object holds a
// reference. Pages carry one reference of the object; mappings of them take their own.
//
// A file's page is dirty from before the first entry that can write it exists until it is written
// back, which makes all its entries read-only: a writable entry means a dirty page, or a writeback
// that has yet to come to this entry. There is no disk behind files: writing back is the cleaning.
#pragma once

#include <stdint.h>

#include "mm/page.h"

namespace kernel {

class SharedObject;

// The pages one object can have: two levels of 512.
inline constexpr uint64_t kSharedObjectPages = uint64_t{512} * 512;

// A new object with one reference and no pages; nullptr if memory is out.
SharedObject* shared_object_create();
void shared_object_get(SharedObject& object);
void shared_object_put(SharedObject& object);
// The page with this number (< kSharedObjectPages), zeroed if it is new; nullptr if memory is out.
// The caller takes a reference for the mapping it makes.
Page* shared_object_page(SharedObject& object, uint64_t number);
// The same, but nullptr if there is no such page yet.
Page* shared_object_find_page(SharedObject& object, uint64_t number);

// Of a page of a file; atomic.
void mark_page_dirty(Page& page);
bool is_page_dirty(const Page& page);
// Pages [first, end) become clean; returns how many were not.
uint64_t shared_object_take_dirty(SharedObject& object, uint64_t first, uint64_t end);

// Objects that exist.
uint64_t shared_object_count();

}  // namespace kernel
