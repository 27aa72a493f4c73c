// The frame allocator: order, contents, references, and its counts.
#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "core_fake_machine.h"
#include "frames.h"

namespace kernel::test {
namespace {

using pvmmu::Pfn;

TEST(Frames, HandsOutTheLowestFirstAndLaterRangesBefore) {
  FakeMemory memory(16);
  frames_add(Pfn(2), 2);
  frames_add(Pfn(8), 2);
  for (const uint64_t expected : {8, 9, 2, 3}) {
    Page* page = alloc_frame();
    ASSERT_NE(nullptr, page);
    EXPECT_EQ(Pfn(expected), pfn_of(*page));
  }
  EXPECT_EQ(nullptr, alloc_frame());
}

TEST(Frames, TheLastOneFreedIsTheNextOneOut) {
  FakeMemory memory(16);
  frames_add(Pfn(0), 16);
  Page* first = alloc_frame();
  Page* second = alloc_frame();
  free_frame(*first);
  free_frame(*second);
  EXPECT_EQ(second, alloc_frame());
  EXPECT_EQ(first, alloc_frame());
}

TEST(Frames, ZeroesWhenAskedAndClearsTheOwnersFields) {
  FakeMemory memory(4);
  frames_add(Pfn(0), 4);
  Page* page = alloc_frame();
  std::memset(memory.frame(pfn_of(*page)), 0xa5, pvmmu::kPageSize);
  page->flags = 7;
  page->word = 7;
  page->mappings = 7;
  free_frame(*page);

  ASSERT_EQ(page, alloc_zeroed_frame());
  EXPECT_EQ(0u, page->flags);
  EXPECT_EQ(0u, page->word);
  EXPECT_EQ(0u, page->mappings);
  EXPECT_EQ(1u, page->references);
  const unsigned char* bytes = memory.frame(pfn_of(*page));
  for (uint64_t i = 0; i < pvmmu::kPageSize; ++i) {
    ASSERT_EQ(0, bytes[i]) << i;
  }
}

TEST(Frames, TheLastReferenceFrees) {
  FakeMemory memory(4);
  frames_add(Pfn(0), 4);
  Page* page = alloc_frame();
  frame_get(*page);
  EXPECT_EQ(3u, free_frame_count());
  EXPECT_FALSE(frame_put(*page));
  EXPECT_EQ(3u, free_frame_count());
  EXPECT_TRUE(frame_put(*page));
  EXPECT_EQ(4u, free_frame_count());
  EXPECT_THROW(frame_put(*page), Panic);
}

TEST(Frames, AFreeFrameGetsNoReference) {
  FakeMemory memory(4);
  frames_add(Pfn(0), 4);
  EXPECT_THROW(frame_get(page_of(Pfn(0))), Panic);
}

TEST(Frames, OnlyASoleReferenceMayBeFreed) {
  FakeMemory memory(4);
  frames_add(Pfn(0), 4);
  Page* page = alloc_frame();
  frame_get(*page);
  EXPECT_THROW(free_frame(*page), Panic);
  EXPECT_FALSE(frame_put(*page));
  page->table_lock.lock();
  EXPECT_THROW(free_frame(*page), Panic);
  page->table_lock.unlock();
}

TEST(Frames, ReservedAndPermanentFramesAreNotInUse) {
  FakeMemory memory(16);
  frames_add(Pfn(0), 8);
  EXPECT_EQ(0u, used_frame_count());
  Page* permanent = alloc_permanent_frame();
  ASSERT_NE(nullptr, permanent);
  EXPECT_EQ(0u, used_frame_count());
  Page* page = alloc_frame();
  EXPECT_EQ(1u, used_frame_count());
  free_frame(*page);
  EXPECT_EQ(0u, used_frame_count());
  EXPECT_EQ(7u, free_frame_count());
}

TEST(Frames, AFrameIsGivenToTheAllocatorOnce) {
  FakeMemory memory(4);
  frames_add(Pfn(0), 4);
  EXPECT_THROW(frames_add(Pfn(3), 1), Panic);
}

TEST(Frames, NumbersAndDescriptorsBelongTogether) {
  FakeMemory memory(8);
  frames_add(Pfn(0), 8);
  std::set<uint64_t> seen;
  while (Page* page = alloc_frame()) {
    EXPECT_TRUE(seen.insert(pfn_of(*page).raw()).second);
    EXPECT_EQ(page, &page_of(pfn_of(*page)));
    EXPECT_EQ(page, &page_of(mfn_of(*page)));
    EXPECT_EQ(memory.frame(pfn_of(*page)), address_of(*page));
  }
  EXPECT_EQ(8u, seen.size());
  EXPECT_THROW(page_of(Pfn(8)), Panic);
}

}  // namespace
}  // namespace kernel::test
