// The frames of the domain: one descriptor for each, and the allocator.
//
// A frame is free (references == 0, on the free list), in use, or reserved (the kernel's image,
// start-of-day pages, thread stacks: never freed). Order is deterministic: a frame given back is
// the next one handed out. Contents are what they were; the zeroed variant clears them.
//
// `references`, `mappings`, `flags` and `word` belong to the owner, who also knows how they are
// locked; the allocator touches them only at the two ends of a frame's use. `table_lock` is the
// lock of the L1 table that the frame holds, if it does.
#pragma once

#include <stdint.h>

#include "base/frame.h"
#include "spinlock.h"

namespace kernel {

struct Page {
  uint32_t references = 0;  // atomic: frame_get and frame_put
  uint32_t mappings = 0;    // atomic, the owner's
  uint32_t flags = 0;       // the owner's; 0 when handed out
  Spinlock table_lock;
  uint64_t word = 0;     // the owner's; 0 when handed out
  Page* link = nullptr;  // the owner's list, or the free list
};

// --- descriptors ---

Page& page_of(pvmmu::Pfn frame);
pvmmu::Pfn pfn_of(const Page& page);
Page& page_of(pvmmu::Mfn frame);
pvmmu::Mfn mfn_of(const Page& page);
// Where the frame can be read and written.
void* address_of(const Page& page);

// --- allocation; nullptr: memory is out ---

// One reference.
Page* alloc_frame();
Page* alloc_zeroed_frame();
// Never given back: not counted as a leak at the end. Zeroed.
Page* alloc_permanent_frame();
// A frame with at most one reference.
void free_frame(Page& page);

void frame_get(Page& page);
// Drops a reference, and frees the frame with the last one. True if it was the last.
bool frame_put(Page& page);

// Frames that could be handed out now.
uint64_t free_frame_count();
// Frames that are neither free, nor reserved, nor permanent.
uint64_t used_frame_count();
// L1 tables whose lock is held by anybody.
uint64_t table_locks_held();

// --- boot ---

// Storage for descriptors of all frames, which count as reserved.
void frames_start(Page* storage, uint64_t count);
// Gives reserved frames [first, first + count) to the allocator; the lowest is handed out first,
// ranges given later come before earlier ones.
void frames_add(pvmmu::Pfn first, uint64_t count);

}  // namespace kernel
