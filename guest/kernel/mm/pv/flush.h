// What a change of present entries owes: processors may still hold the old translations.
//
// Collected over a range and paid once, at the latest before the promise ends: it panics if it is
// dropped unpaid. Paid inside a lazy section, the flush is queued behind the updates and leaves
// with them; the flush has completed on all vCPUs when the section is left. Frames whose mappings
// were removed may be freed only after that.
#pragma once

#include <stdint.h>

#include "mm/address_space.h"

namespace kernel {

class FlushPromise {
 public:
  explicit FlushPromise(Mm& mm) : mm_(mm) {}
  ~FlushPromise();
  FlushPromise(const FlushPromise&) = delete;
  FlushPromise& operator=(const FlushPromise&) = delete;

  // The translation of the page at this address may be cached and is out of date.
  void add_page(uint64_t address);
  bool owed() const { return pages_ != 0; }
  // Queues the flush of one page, or of all; no call at all if nothing is owed, or if no vCPU runs
  // on the address space (loading its root later flushes).
  void pay();

 private:
  Mm& mm_;
  uint64_t page_ = 0;
  uint64_t pages_ = 0;
};

}  // namespace kernel
