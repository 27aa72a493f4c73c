// The frame table: one PageInfo for every frame of machine memory, looked up by frame number.
#pragma once

#include <stddef.h>

#include <span>

#include "base/frame.h"
#include "pvmmu/page_info.h"

namespace pvmmu {

class FrameTable {
 public:
  explicit FrameTable(std::span<PageInfo> frames) : frames_(frames) {}

  size_t size() const { return frames_.size(); }
  bool contains(Mfn frame) const { return frame.raw() < frames_.size(); }
  // For frames that are known to be in range.
  PageInfo& at(Mfn frame) { return frames_[frame.raw()]; }
  const PageInfo& at(Mfn frame) const { return frames_[frame.raw()]; }
  // A frame that the guest may name; nullptr if it does not exist or is the hypervisor's.
  PageInfo* find_guest(Mfn frame) {
    if (!contains(frame)) return nullptr;
    PageInfo& page = frames_[frame.raw()];
    return page.owner == FrameOwner::kHypervisor ? nullptr : &page;
  }

 private:
  std::span<PageInfo> frames_;
};

}  // namespace pvmmu
