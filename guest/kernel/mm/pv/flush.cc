#include "mm/pv/flush.h"

#include "mm/pv/call_batch.h"
#include "panic.h"
#include "pte_rules/hooks.h"

namespace kernel {

FlushPromise::~FlushPromise() {
  if (owed()) {
    panic("a TLB flush was promised and not made");
  }
}

void FlushPromise::add_page(uint64_t address) {
  page_ = address;
  ++pages_;
}

void FlushPromise::pay() {
  const bool one_page = pages_ == 1;
  if (pages_ == 0) {
    return;
  }
  pages_ = 0;
  one_page ? pte_rules::flush_page(mm_, page_) : pte_rules::flush_mm(mm_);
  if (!mm_.active_anywhere()) {
    return;
  }
  CallBatch batch;
  if (one_page) {
    batch.flush_page(mm_, page_);
  } else {
    batch.flush_all(mm_);
  }
}

}  // namespace kernel
