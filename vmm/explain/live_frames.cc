#include "explain/live_frames.h"

#include <algorithm>

namespace vmm {

using pvmmu::Mfn;

FrameState frame_state(const pvmmu::PageInfo& page) {
  FrameState state;
  state.owner = page.owner;
  state.type = page.type;
  state.whole = page.whole();
  state.pinned = page.pinned;
  state.in_progress = page.in_progress;
  state.type_count = page.type_count;
  state.total_count = page.total_count;
  state.vmm_references = page.external_count;
  state.same_level_count = page.linear_count;
  return state;
}

size_t LiveFrames::find_users(Mfn frame, size_t limit, std::vector<pvmmu::FrameUser>& users) const {
  const size_t before = users.size();
  users.resize(before + limit);
  const size_t count = mmu_.find_users(frame, std::span(users).subspan(before));
  users.resize(before + std::min(count, limit));
  return count;
}

std::optional<Mfn> LiveFrames::frame_of_page(pvmmu::Pfn page) const {
  for (size_t i = 0; i < m2p_.size() && i < mmu_.frame_count(); ++i) {
    const Mfn frame(i);
    if (m2p_[i] != page.raw()) continue;
    if (mmu_.page_info(frame).owner == pvmmu::FrameOwner::kDomain) return frame;
  }
  return std::nullopt;
}

}  // namespace vmm
