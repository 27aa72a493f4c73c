// The swap area: slots for the contents of pages that are not in memory.
//
// It is itself in memory, as compressed swap areas are, but not compressed: a slot is a frame,
// named by its pfn, and holds the only copy of the page's contents. Its references are the entries
// that name it. Which processes those are is not known, so a slot is freed by its last entry.
#pragma once

#include <stdint.h>

#include "mm/page.h"
#include "mm/pv/user_pte.h"

namespace kernel {

// A slot with a copy of the page and one reference; nullptr: memory is out, or the area has its
// quarter of it.
Page* swap_write(const Page& page);
// Another entry names the slot.
void swap_get(Page& slot);
void swap_put(Page& slot);
// A page with what is in the slot. The caller's reference of the slot goes, and with the last one
// the slot: then its frame becomes the page, and nothing is copied. nullptr: memory is out, and
// the reference stays.
Page* swap_read(Page& slot);

inline Page& slot_of(UserPte entry) {
  return page_of(entry.slot());
}

// The slot, of which the caller has the only reference, is a page from now on, and has been for a
// while without anybody knowing.
void swap_slot_is_page();

uint64_t swap_slots_in_use();

}  // namespace kernel
