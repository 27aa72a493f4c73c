#include "mm/page_gather.h"

#include "panic.h"

namespace kernel {

struct PageGather::Chunk {
  static constexpr uint64_t kPages = 510;
  Page* next;
  uint64_t count;
  Page* pages[kPages];

  static Chunk& in(Page& page) { return *static_cast<Chunk*>(address_of(page)); }
};

PageGather::~PageGather() {
  if (!empty()) {
    panic("gathered pages were not released");
  }
}

bool PageGather::add(Page& page) {
  static_assert(sizeof(Chunk) == pvmmu::kPageSize);
  if (small_count_ < kSmall) {
    small_[small_count_++] = &page;
    return true;
  }
  if (chunks_ == nullptr || Chunk::in(*chunks_).count == Chunk::kPages) {
    Page* fresh = alloc_zeroed_frame();
    if (fresh == nullptr) {
      return false;
    }
    Chunk::in(*fresh).next = chunks_;
    chunks_ = fresh;
  }
  Chunk& chunk = Chunk::in(*chunks_);
  chunk.pages[chunk.count++] = &page;
  return true;
}

void PageGather::release() {
  for (unsigned i = 0; i < small_count_; ++i) {
    frame_put(*small_[i]);
  }
  small_count_ = 0;
  while (chunks_ != nullptr) {
    Page& first = *chunks_;
    Chunk& chunk = Chunk::in(first);
    for (uint64_t i = 0; i < chunk.count; ++i) {
      frame_put(*chunk.pages[i]);
    }
    chunks_ = chunk.next;
    frame_put(first);
  }
}

}  // namespace kernel
