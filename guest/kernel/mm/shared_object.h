// The pages behind an anonymous shared mapping, found by their number in it.
//
// A page is made when it is first asked for and stays until the object goes, so that unmapping,
// madvise(DONTNEED) or a fork in between loses nothing. Each area that maps the object holds a
// reference. Pages carry one reference of the object; mappings of them take their own.
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

}  // namespace kernel
