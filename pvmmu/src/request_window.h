// Reads the elements of a guest's array one after the other, each exactly once, walking the guest's
// tables only when it has to.
//
// The result is as if every element were read through a fresh walk at its turn: a request that
// changes the mapping of the array itself makes the window forget what it knew.
#pragma once

#include <stddef.h>

#include "base/linear_addr.h"
#include "base/mutant.h"
#include "pvmmu/guest_memory.h"
#include "pvmmu/platform.h"

namespace pvmmu {

class RequestWindow {
 public:
  RequestWindow(Platform& platform, GuestMemory& memory, Mfn root)
      : platform_(platform), memory_(memory), root_(root) {}

  bool read(LinearAddr from, void* to, size_t size) {
    if (from.offset() + size > kPageSize) return memory_.copy_from(root_, to, from, size);
    if (!known_ || from.page() != page_) {
      const WalkResult walked = memory_.walk_and_mark(root_, from, Access{});
      if (!walked.ok) return false;
      known_ = true;
      page_ = from.page();
      frame_ = walked.address.frame();
      leaf_ = walked.leaf();
    }
    platform_.read_bytes(Maddr(frame_, from.offset()), to, size);
    return true;
  }

  // An L1 entry was written: forget the page if it was this one's.
  void leaf_written(Mfn table, unsigned slot) {
    if (kMutated<Mutant::stale_array_mapping>) return;
    if (table == leaf_.table && slot == leaf_.slot) known_ = false;
  }
  void forget() { known_ = false; }

 private:
  Platform& platform_;
  GuestMemory& memory_;
  const Mfn root_;
  bool known_ = false;
  LinearAddr page_;
  Mfn frame_;
  WalkStep leaf_;
};

}  // namespace pvmmu
