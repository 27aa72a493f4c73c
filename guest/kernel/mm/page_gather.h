// Pages whose mappings were removed, kept until no processor can reach them.
//
// Holds the reference that each mapping had. A page may be gathered on several vCPUs at once, so
// the list is not threaded through the pages: it fills pages of pointers, and says so when memory
// for those is out. The owner flushes, then releases.
#pragma once

#include <stdint.h>

#include "mm/page.h"

namespace kernel {

class PageGather {
 public:
  PageGather() = default;
  ~PageGather();
  PageGather(const PageGather&) = delete;
  PageGather& operator=(const PageGather&) = delete;

  // False: there is no room and no memory. Then flush, release(), and add again, which works: a
  // few pages always fit.
  bool add(Page& page);
  // Drops the references. Only when every flush owed for these pages has completed.
  void release();
  bool empty() const { return small_count_ == 0 && chunks_ == nullptr; }

 private:
  static constexpr unsigned kSmall = 16;
  struct Chunk;

  Page* small_[kSmall];
  unsigned small_count_ = 0;
  Page* chunks_ = nullptr;
};

}  // namespace kernel
